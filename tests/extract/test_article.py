"""Pages as they come, and what is read from them; one folder a case under golden/articles."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from reading import article_on

from extract.model import Announcement, Article, DateOrigin, Flag, Page, Place, Reason, Rejection, SourceName

GOLDEN = Path(__file__).parents[1] / "golden" / "articles"
CASES = sorted(folder.name for folder in GOLDEN.iterdir())


def page_of(case: str) -> Page:
    given = json.loads((GOLDEN / case / "expected.json").read_text(encoding="utf-8"))["page"]
    (file,) = (GOLDEN / case).glob("page.*")
    return Page(
        url=given["url"],
        final_url=given.get("final_url", given["url"]),
        status=200,
        headers=tuple(given["headers"].items()),
        body=file.read_bytes(),
        fetched_at=datetime.fromisoformat(given["fetched_at"]),
    )


def announcement_of(case: str) -> Announcement:
    given = json.loads((GOLDEN / case / "expected.json").read_text(encoding="utf-8"))["announced"]
    published = given.pop("published_at", None)
    origin = given.pop("origin", None)
    return Announcement(
        source=SourceName("test"),
        published_at=published and datetime.fromisoformat(published),
        origin=origin and DateOrigin(origin),
        **given,
    )


def outcome(read: Article | Rejection) -> dict[str, Any]:
    """An article or rejection as expected.json writes it."""
    if isinstance(read, Rejection):
        return {"rejection": read.reason, "detail": read.detail}
    return {
        "url": read.url,
        "title": read.title,
        "authors": list(read.authors),
        "summary": read.summary,
        "section": read.section,
        "tags": list(read.tags),
        "image": read.image,
        "agency": read.agency,
        "translator": read.translator,
        "language": read.language,
        "published_at": read.published_at and read.published_at.isoformat(),
        "utc_offset": read.utc_offset,
        "date_precision": read.date_precision,
        "date_found_in": read.date_found_in,
        "modified_at": read.modified_at and read.modified_at.isoformat(),
        "flags": sorted(read.flags),
        "blocks": [
            [
                block.kind,
                block.text,
                *([round(block.link_share, 2)] if block.link_share else []),
                *([block.place] if block.place is not Place.TEXT else []),
            ]
            for block in read.blocks
        ],
    }


@pytest.mark.parametrize("case", CASES)
def test_page_reads_as_expected(case: str) -> None:
    expected = json.loads((GOLDEN / case / "expected.json").read_text(encoding="utf-8"))["outcome"]
    assert outcome(article_on(page_of(case), announcement_of(case))) == expected


def test_reading_is_not_changed_by_what_was_read_before() -> None:
    pages = {case: (page_of(case), announcement_of(case)) for case in CASES}
    first = {case: article_on(*given) for case, given in pages.items()}
    again = {case: article_on(*given) for case, given in reversed(pages.items())}
    assert first == again
    assert article_on(*pages["modern"]) == article_on(*pages["modern"])


# --- Pages made for one property --------------------------------------------------------------------------------

SENTENCES = (
    "The ferry left the harbour at seven in the morning with all its lamps lit and the band playing on the upper deck.",
    "By noon the wind had turned, and the captain asked the passengers to come down and to leave their hats behind.",
    "Nobody was hurt, but the tuba is still being looked for, and the company has promised a reward of ten crowns.",
)


def page(body: str | bytes, *, url: str = "https://post.example/news/ferry", **headers: str) -> Page:
    return Page(
        url=url,
        final_url=url,
        status=200,
        headers=tuple(headers.items()),
        body=body.encode() if isinstance(body, str) else body,
        fetched_at=datetime(2026, 3, 20, 12, tzinfo=UTC),
    )


def html(body: str = "", head: str = "", lang: str = "en") -> str:
    paragraphs = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><title>The ferry and the tuba</title>{head}</head>'
        f"<body><article><h1>The ferry and the tuba</h1>{paragraphs}{body}</article></body></html>"
    )


def article(given: Page, **announced: Any) -> Article:
    read = article_on(given, Announcement(source=SourceName("test"), **announced))
    assert isinstance(read, Article), read
    return read


def rejection(given: Page) -> Rejection:
    read = article_on(given, Announcement(source=SourceName("test")))
    assert isinstance(read, Rejection), read
    return read


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.EMPTY),
        (b" \n\t ", Reason.EMPTY),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", Reason.WRONG_TYPE),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Reason.WRONG_TYPE),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", Reason.WRONG_TYPE),
        (b"ID3\x03" + b"\0" * 500, Reason.WRONG_TYPE),
        (b'{"items": [{"title": "Ferry"}]}', Reason.WRONG_TYPE),
        (
            b'\xef\xbb\xbf  <?xml version="1.0"?><!-- x --><feed xmlns="http://www.w3.org/2005/Atom"/>',
            Reason.WRONG_TYPE,
        ),
        (b"<rdf:RDF xmlns:rdf='x'></rdf:RDF>", Reason.WRONG_TYPE),
        (b'<?xml version="1.0"?><catalog><book/></catalog>', Reason.WRONG_TYPE),
        ("﻿<?xml version='1.0'?><rss version='2.0'/>".encode("utf-16"), Reason.WRONG_TYPE),
        (b"<html><body></body></html>", Reason.NOT_ARTICLE),
        (b"<html>", Reason.NOT_ARTICLE),
    ],
)
def test_what_is_no_page_with_text_is_rejected(body: bytes, reason: Reason) -> None:
    assert rejection(page(body, **{"Content-Type": "text/html"})).reason is reason


def test_rejection_names_the_url_as_asked() -> None:
    given = page(b"", url="https://post.example/asked")
    assert rejection(given).url == "https://post.example/asked"


@pytest.mark.parametrize("path", ["", "/", "/index.html", "/en/", "/en-GB", "/home"])
def test_home_page_is_no_article(path: str) -> None:
    assert rejection(page(html(), url=f"https://post.example{path}")).detail == "a home page"


@pytest.mark.parametrize("path", ["/?p=4711", "/a", "/index.php?id=3"])
def test_article_may_have_a_short_address(path: str) -> None:
    assert article(page(html(), url=f"https://post.example{path}")).title == "The ferry and the tuba"


def test_xhtml_is_a_page() -> None:
    xhtml = '<?xml version="1.0" encoding="UTF-8"?>\n' + html()
    assert article(page(xhtml)).title == "The ferry and the tuba"


def test_html_served_as_plain_text_is_read_as_html() -> None:
    assert len(article(page(html(), **{"Content-Type": "text/plain"})).blocks) == 4


def test_article_of_a_url_knows_its_key() -> None:
    read = article(page(html()))
    assert (read.url, read.source) == ("https://post.example/news/ferry", "test")


# --- Blocks -------------------------------------------------------------------------------------------------------


def kinds(given: Page) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in article(given).blocks][4:]


def test_line_breaks_part_blocks_and_white_space_is_folded() -> None:
    body = "<p>The first verse   of the\nferry song.<br>The second verse of the ferry song.<br><br>And the third.</p>"
    assert kinds(page(html(body))) == [
        ("paragraph", "The first verse of the ferry song."),
        ("paragraph", "The second verse of the ferry song."),
        ("paragraph", "And the third."),
    ]


def test_inline_markup_does_not_part_words() -> None:
    body = "<p>The <b>tu</b>ba, <i>not</i> the <a href='/horn'>horn</a>, was lost at sea that day.</p>"
    assert kinds(page(html(body))) == [("paragraph", "The tuba, not the horn, was lost at sea that day.")]


def test_nested_lists_are_read_once() -> None:
    body = "<ol><li>Lamps, all lit<ul><li>port side</li><li>starboard side</li></ul></li><li>The band of the fire brigade</li></ol>"
    assert kinds(page(html(body))) == [
        ("item", "Lamps, all lit"),
        ("item", "port side"),
        ("item", "starboard side"),
        ("item", "The band of the fire brigade"),
    ]


def test_table_of_prose_is_no_row() -> None:
    prose = " ".join(SENTENCES)
    body = f"<table><tr><td>{prose}</td><td>{prose.upper()}</td></tr></table>"
    assert kinds(page(html(body))) == [("paragraph", prose), ("paragraph", prose.upper())]


def test_link_share_is_measured_on_the_page() -> None:
    body = '<p>Timetable of the ferry: <a href="/t">see the harbour office’s list</a></p>'
    last = article(page(html(body))).blocks[-1]
    assert last.text == "Timetable of the ferry: see the harbour office’s list"
    assert last.link_share == pytest.approx(25 / 45)


# --- What the page says of itself -----------------------------------------------------------------------------------


def linked(**node: Any) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@type": "NewsArticle", **node})}</script>'


def test_title_follows_the_heading_when_og_title_agrees_up_to_the_site_name() -> None:
    head = (
        '<meta property="og:title" content="The Ferry and the Tuba | Post"><meta property="og:site_name" content="Post">'
        + linked(headline="Lost tuba")
    )
    assert article(page(html(head=head))).title == "The ferry and the tuba"


def test_title_of_linked_data_is_taken_when_heading_and_og_title_disagree() -> None:
    head = '<meta property="og:title" content="You won’t believe this ferry">' + linked(headline="Lost tuba")
    assert article(page(html(head=head))).title == "Lost tuba"


def test_announced_title_helps_where_the_page_has_none() -> None:
    body = f"<html><body><div>{''.join(f'<p>{s}</p>' for s in SENTENCES)}</div></body></html>"
    assert article(page(body), title="The ferry and the tuba").title == "The ferry and the tuba"
    assert article(page(body)).title == "ferry"  # of the URL


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ({"@type": "Person", "name": "Ada Brook"}, ("Ada Brook",)),
        ("By Ada Brook and Jonas Quill", ("Ada Brook", "Jonas Quill")),
        (["Ada Brook", "Ada Brook"], ("Ada Brook",)),
        ([{"name": ["Ada Brook", "Jonas Quill"]}], ("Ada Brook", "Jonas Quill")),
        ({"@type": "Organization", "name": "Coast News Agency"}, ("Coast News Agency",)),
        ("Brook, Ada", ("Brook, Ada",)),
        ("ada@post.example", ()),
        ("https://post.example/ada", ()),
        ({"@type": "Organization", "name": "Post Newsroom"}, ()),
        (None, ()),
        (7, ()),
    ],
)
def test_authors_of_linked_data(author: object, names: tuple[str, ...]) -> None:
    head = linked(author=author, publisher={"@type": "Organization", "name": "Post"})
    assert article(page(html(head=head))).authors == names


def test_announced_authors_are_the_last_resort() -> None:
    assert article(page(html()), authors=("Ada Brook", "Post")).authors == ("Ada Brook",)


def test_node_of_another_article_is_not_asked() -> None:
    other = {"url": "https://post.example/news/other", "headline": "Other", "author": "Other Person"}
    own = {"url": "https://post.example/news/ferry", "author": "Ada Brook"}
    assert article(page(html(head=linked(**other) + linked(**own)))).authors == ("Ada Brook",)


def test_half_a_character_in_linked_data_is_no_text() -> None:
    head = linked(author="Ada Brook", articleSection="News \ud800 today")
    assert article(page(html(head=head))).section == "News today"


@pytest.mark.parametrize(
    "script",
    [
        "{broken",
        "[" * 5000,
        '{"@type":"NewsArticle","wordCount":' + "9" * 5000 + "}",
        '<!-- {"@type":"NewsArticle","author":"Ada Brook"} -->',
        '{"@type":"NewsArticle",\n"author":"Ada\nBrook"}',
    ],
)
def test_broken_linked_data_is_survived(script: str) -> None:
    head = f'<script type="application/ld+json">{script}</script>'
    assert article(page(html(head=head))).authors in ((), ("Ada Brook",))


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("/news/ferry-and-tuba", "https://example.org/news/ferry-and-tuba"),
        ("https://www.example.org/news/ferry", "https://www.example.org/news/ferry"),
        ("https://example.org/", "https://example.org/news/ferry"),
        ("https://example.org/news", "https://example.org/news/ferry"),
        ("https://example.com/news/ferry", "https://example.org/news/ferry"),
        ("javascript:void(0)", "https://example.org/news/ferry"),
        ("", "https://example.org/news/ferry"),
    ],
)
def test_canonical_link_is_a_hint(link: str, url: str) -> None:
    head = f'<link rel="canonical" href="{link}">'
    assert article(page(html(head=head), url="https://example.org/news/ferry")).url == url


def test_several_canonical_links_say_nothing() -> None:
    head = '<link rel="canonical" href="/news/a"><link rel="canonical" href="/news/b">'
    assert article(page(html(head=head))).url == "https://post.example/news/ferry"


def test_publication_time_of_tomorrow_is_not_believed() -> None:
    head = '<meta property="article:published_time" content="2026-03-22T10:00:00Z">'
    feed = datetime(2026, 3, 19, 8, 30, tzinfo=UTC)
    read = article(page(html(head=head)), published_at=feed, origin=DateOrigin.FEED)
    assert (read.published_at, read.date_found_in) == (feed, DateOrigin.FEED)


def test_visible_time_element_gives_the_minute() -> None:
    body = '<p class="meta">Published <time datetime="2026-03-18T07:15:00+01:00">18 March 2026</time></p>'
    read = article(page(html(body)))
    assert read.published_at == datetime(2026, 3, 18, 6, 15, tzinfo=UTC)
    assert read.date_found_in is DateOrigin.VISIBLE


def test_live_blog_is_known_by_its_markup() -> None:
    entries = "".join(f'<div class="live-blog-entry"><p>{n}:00 {SENTENCES[n - 1]}</p></div>' for n in (1, 2, 3))
    assert article(page(html(entries))).flags == {Flag.LIVE_BLOG}
    assert article(page(html('<div class="live-blog-entry teaser"><p>Elsewhere</p></div>'))).flags == frozenset()


def test_locked_content_tier_marks_a_teaser() -> None:
    assert article(page(html(head='<meta property="article:content_tier" content="locked">'))).flags == {
        Flag.TEASER,
        Flag.PAYWALLED,
    }


# --- Plain text -----------------------------------------------------------------------------------------------------


def test_title_of_plain_text_is_its_first_heading_like_line() -> None:
    text = "The ferry and the tuba\n\n" + "\n\n".join(SENTENCES)
    read = article(page(text, url="file:///in/ferry.txt"))
    assert (read.title, read.blocks[0].kind, len(read.blocks)) == ("The ferry and the tuba", "heading", 4)


def test_short_plain_text_is_rejected() -> None:
    assert rejection(page("Back at seven.", url="file:///in/note.txt")).reason is Reason.TOO_SHORT


# --- Section, tags, image, standfirst, flags ----------------------------------------------------------------------


def meta(name: str, content: str) -> str:
    return f'<meta property="{name}" content="{content}">'


def test_section_is_that_of_linked_data_then_of_meta_then_of_the_breadcrumbs() -> None:
    crumbs = [{"position": n, "name": name} for n, name in enumerate(("Home", "Sea", "Ferries", "The ferry and"), 1)]
    trail = f'<script type="application/ld+json">{json.dumps({"@type": "BreadcrumbList", "itemListElement": crumbs})}</script>'
    heads = [linked(articleSection=["Harbour", "News"]), meta("article:section", "Coast &amp;amp; Sea"), trail]
    found = [article(page(html(head="".join(heads[n:])))).section for n in range(4)]
    assert found == ["Harbour", "Coast & Sea", "Ferries", None]


def test_tags_are_cleaned_and_each_is_named_once() -> None:
    head = linked(keywords="Ferry, #ferry, isFree:true, NLP Category: Sea, 4711, section/Tuba, Post, " + "long " * 20)
    assert article(page(html(head=head + meta("og:site_name", "Post")))).tags == ("Ferry", "Tuba")
    assert article(page(html(head=meta("article:tag", "Sea") + meta("keywords", "news, weather")))).tags == ("Sea",)
    many = ", ".join(f"tag{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")
    assert len(article(page(html(head=meta("keywords", many)))).tags) == 20


@pytest.mark.parametrize(
    ("head", "image"),
    [
        (meta("og:image", "/img/ferry.jpg"), "https://post.example/img/ferry.jpg"),
        (meta("og:image", "data:image/png;base64,AAAA"), None),
        (linked(image={"@type": "ImageObject", "url": "//cdn.example/f.jpg"}), "https://cdn.example/f.jpg"),
        (linked(image=["https://cdn.example/a.jpg", "https://cdn.example/b.jpg"]), "https://cdn.example/a.jpg"),
        (linked(publisher={"logo": {"url": "/logo.png"}}) + meta("og:image", "/logo.png"), None),
        ("", None),
    ],
)
def test_image_is_an_address_on_the_web(head: str, image: str | None) -> None:
    assert article(page(html(head=head))).image == image


def test_summary_is_no_slogan_and_no_beginning_of_the_text_where_there_is_better() -> None:
    slogan = meta("og:description", "Daily bulletins, weather, cricket and classified advertisements for Westmark.")
    cut_off = meta("description", SENTENCES[0][:60] + "…")
    shown = '<p class="article__standfirst">A band, a captain and a tuba: how a morning on the ferry ended.</p>'
    page_of_all = html(head=slogan + cut_off).replace("</h1>", f"</h1>{shown}")
    assert article(page(page_of_all)).summary == "A band, a captain and a tuba: how a morning on the ferry ended."
    assert article(page(html(head=slogan + cut_off))).summary == SENTENCES[0][:60] + "…"
    assert article(page(html(head=slogan))).summary is None
    assert article(page(html(head=slogan)), summary="The <b>ferry</b> has lost its tuba at sea.").summary == (
        "The ferry has lost its tuba at sea."
    )


LONG = "".join(f"<p>{sentence} That was on day {n}.</p>" for n in range(4) for sentence in SENTENCES)


@pytest.mark.parametrize(
    "sign",
    [
        "Subscribe to continue reading this article.",
        "Jetzt abonnieren und weiterlesen",
        "Il vous reste 57 % de cet article à lire.",
        "Contenido exclusivo para suscriptores",
        "Articolo riservato agli abbonati",
        "Conteúdo exclusivo para assinantes",
        "Dit artikel is exclusief voor abonnees",
        "Pozostało 82% artykułu. Wykup dostęp",
        "Článek je dostupný pouze pro předplatitele",
        "Материал доступен только для подписчиков",
        "Матеріал доступний лише для передплатників",
        "Το άρθρο είναι αποκλειστικά για συνδρομητές",
        "Bu içerik sadece abonelere açıktır",
        "この記事は有料記事です。残り1234文字",
        "登录后继续阅读全文",
    ],
)
def test_short_text_that_ends_at_a_paywall_is_a_teaser(sign: str) -> None:
    assert article(page(html(f"<p>{sign}</p>"))).flags == {Flag.TEASER, Flag.PAYWALLED}
    assert article(page(html(f"{LONG}<p>{sign}</p>"))).flags == frozenset()


def test_whole_text_for_subscribers_is_no_teaser() -> None:
    head = linked(isAccessibleForFree=False)
    assert article(page(html(LONG, head=head))).flags == {Flag.PAYWALLED}
    assert article(page(html(f"{LONG}<p>And then, at last, it was…</p>", head=head))).flags == {
        Flag.PAYWALLED,
        Flag.TEASER,
    }


def test_box_that_asks_to_subscribe_marks_a_page_unless_it_is_hidden() -> None:
    box = '<div class="paywall-box"{}><p>Subscribe to continue reading</p></div>'
    assert Flag.PAYWALLED in article(page(html(LONG + box.format("")))).flags
    assert article(page(html(LONG + box.format(' style="display: none"')))).flags == frozenset()


def test_list_of_links_that_is_marked_up_as_an_article_is_a_listing() -> None:
    links = "".join(f'<p><a href="/{n}">{sentence} And so on.</a></p>' for n, sentence in enumerate(SENTENCES * 4))
    body = f"<html><head><title>Round-up</title>{linked(headline='Round-up')}</head><body><article><h1>Round-up</h1>{links}</article></body></html>"
    assert article(page(body)).flags == {Flag.LISTING}


def test_soft_hyphens_are_not_of_the_title() -> None:
    body = html().replace("The ferry and the tuba</h1>", "The fer\u00adry and the tuba</h1>")
    assert article(page(body)).title == "The ferry and the tuba"


def test_title_loses_a_name_that_follows_the_heading() -> None:
    head = meta("og:title", "The ferry and the tuba | News from a Small Harbour and its many Islands")
    assert article(page(html(head=head))).title == "The ferry and the tuba"


@pytest.mark.parametrize(
    ("head", "body", "names"),
    [
        (linked(author={"@type": "Person", "givenName": "Ada", "familyName": "Brook"}), "", ("Ada Brook",)),
        (linked(author={"@type": "Organization", "name": "Centre for Sea and Tide"}), "", ("Centre for Sea and Tide",)),
        (linked(author="Post") + '<meta name="author" content="Ada Brook">', "", ("Ada Brook",)),
        ('<meta name="author" content="webmaster">', "", ()),
        ("", "<p>By Ada Brook and Jonas Quill</p>", ("Ada Brook", "Jonas Quill")),
        ("", '<div class="byline">By <a rel="author" href="/a">Ada Brook</a></div>', ("Ada Brook",)),
    ],
)
def test_authors_of_other_places(head: str, body: str, names: tuple[str, ...]) -> None:
    head += '<meta property="og:site_name" content="Post">'
    assert article(page(html(head=head).replace("</h1>", f"</h1>{body}"))).authors == names


def test_person_signs_on_a_site_of_their_own() -> None:
    person = {"@type": "Person", "name": "Ada Brook"}
    url = "https://adabrook.example/ferry"
    assert article(page(html(head=linked(author=person, publisher=person)), url=url)).authors == ("Ada Brook",)


def test_feed_is_asked_for_the_author_before_the_look_of_the_page() -> None:
    body = '<div class="author">Mia Lund</div>'
    assert article(page(html(body)), authors=("Ada Brook",)).authors == ("Ada Brook",)


def test_swapped_date_of_linked_data_is_caught_by_the_time_that_the_page_shows() -> None:
    body = '<p class="meta">Published <time datetime="2026-03-02T07:15:00+01:00">2 March 2026</time></p>'
    read = article(page(html(body, head=linked(datePublished="2026-02-03"))))
    assert read.published_at == datetime(2026, 3, 2, 6, 15, tzinfo=UTC)
