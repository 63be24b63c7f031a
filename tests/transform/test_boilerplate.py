"""Lines that must fall and lines that must stay, pack by pack (rules/*.toml), whole pages, and the laws of cleaning."""

from __future__ import annotations

import re
import re._parser as regex_parser
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.model import Article, Block, BlockKind, Extractor, SourceName
from transform.boilerplate import strip_boilerplate
from transform.lines import reads_as_prose
from transform.model import CleanArticle, CutKind
from transform.packs import LENGTHS, Rule, read_packs

PACKS = read_packs()
LINES: dict[str, dict[str, Any]] = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "rules").glob("*.toml"))
}
AUTHOR = "Maria Novak"
BY_OTHER_MEANS = {  # than words: by the page, by other extractors, by the source's memory
    CutKind.COMMENT,
    CutKind.DOUBTFUL,
    CutKind.OTHER_ARTICLE,
    CutKind.REPEATED,
    CutKind.TEXT_AGAIN,
    CutKind.TITLE_AGAIN,
}
POSITIONS = ("top", "head", "body", "tail")


def article(blocks: Sequence[Block], language: str | None = "en", title: str = "The market hall closes") -> Article:
    return Article(
        url="https://gazette.example/market",
        source=SourceName("gazette"),
        title=title,
        authors=(AUTHOR,),
        summary=None,
        blocks=tuple(blocks),
        extractor=Extractor.TRAFILATURA,
        language=language,
        published_at=None,
        date_precision=None,
        date_found_in=None,
        modified_at=None,
        fetched_at=datetime(2026, 5, 12, tzinfo=UTC),
    )


def strip(blocks: Sequence[Block], language: str | None = "en", title: str = "The market hall closes") -> CleanArticle:
    return strip_boilerplate(article(blocks, language, title), PACKS)


def language_of(pack: str) -> str | None:
    return None if pack == "neutral" else pack


def set_in(pack: str, position: str, line: str) -> tuple[int, list[Block]]:
    """A line among the pack's paragraphs, and where it stands."""
    prose = LINES[pack]["prose"]
    index = {"top": 0, "head": 1, "body": 4, "tail": len(prose)}[position]
    return index, [Block(text=text) for text in (*prose[:index], line, *prose[index:])]


def lines_to_cut() -> Iterator[tuple[str, str, str, str]]:
    for pack, table in LINES.items():
        for entry in table["must_cut"]:
            for line in entry["lines"]:
                yield pack, entry["kind"], entry.get("position", "tail"), line


# --- rule packs, line by line


@pytest.mark.parametrize(("pack", "kind", "position", "line"), list(lines_to_cut()))
def test_line_of_clutter_falls_as_its_kind_and_nothing_else_does(
    pack: str, kind: str, position: str, line: str
) -> None:
    index, blocks = set_in(pack, position, line)
    assert [(cut.position, cut.text, cut.kind) for cut in strip(blocks, language_of(pack)).cuts] == [
        (index, line, CutKind(kind))
    ]


@pytest.mark.parametrize(("pack", "line"), [(pack, line) for pack in LINES for line in LINES[pack]["must_keep"]])
def test_line_of_an_article_stays_wherever_it_stands(pack: str, line: str) -> None:
    for position in POSITIONS:
        assert strip(set_in(pack, position, line)[1], language_of(pack)).cuts == (), position


def test_every_rule_has_a_line_that_shows_it() -> None:
    shown = {
        cut.rule
        for pack, _, position, line in lines_to_cut()
        for cut in strip(set_in(pack, position, line)[1], language_of(pack)).cuts
    }
    assert {rule.id for rules in PACKS.packs.values() for rule in rules} <= shown


@pytest.mark.parametrize("pack", LINES)
def test_article_of_paragraphs_loses_nothing(pack: str) -> None:
    blocks = [Block(text=text) for text in LINES[pack]["prose"]]
    for language in (*PACKS.languages, None):
        assert strip(blocks, language).blocks == tuple(blocks)


@pytest.mark.parametrize("pack", sorted(set(LINES) - {"neutral"}))
def test_pack_has_rules_for_every_kind_of_clutter(pack: str) -> None:
    """A pack that lacks one says why: `without = { adblock = "…" }` beside its lines."""
    by_words = set(CutKind) - BY_OTHER_MEANS
    found = {rule.kind for rule in PACKS.packs[pack]}
    assert found | set(map(CutKind, LINES[pack].get("without", {}))) == by_words


def test_every_pack_has_its_lines() -> None:
    assert set(LINES) == set(PACKS.packs)


def test_rule_ids_are_unique() -> None:
    ids = [rule.id for rules in PACKS.packs.values() for rule in rules]
    assert len(ids) == len(set(ids))


# --- the same words on pages of another language


def test_page_of_another_language_is_cleaned_of_english_page_furniture() -> None:
    for line in (
        "This site uses Akismet to reduce spam. Learn how your comment data is processed.",
        "Related articles",
    ):
        assert [cut.text for cut in strip(set_in("pl", "body", line)[1], "pl").cuts] == [line]


@pytest.mark.parametrize("language", ["eo", "th", None])
@pytest.mark.parametrize(
    "line",
    [
        "Czytaj też",
        "Lesen Sie auch:",
        "À lire aussi",
        "Lea también",
        "Читайте также",
        "猜你喜欢的新闻",
        "You may also like",
        "Adblock detected",
    ],
)
def test_page_of_a_language_without_pack_is_cleaned_of_what_is_unmistakable(language: str | None, line: str) -> None:
    assert [cut.text for cut in strip(set_in("neutral", "body", line)[1], language).cuts] == [line]


@pytest.mark.parametrize("line", ["Politik", "Foto", "Comments", "Anzeige", "Más", "Plus", "Mehr", "Newsletter"])
def test_page_of_unknown_language_keeps_words_that_may_mean_something_else(line: str) -> None:
    assert strip(set_in("neutral", "body", line)[1], None).cuts == ()


def test_page_of_known_language_keeps_the_words_of_a_third() -> None:
    assert strip(set_in("de", "body", "Czytaj też")[1], "de").cuts == ()


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("bs", "Pročitajte još"),
        ("sr", "Pročitajte još"),
        ("sr", "Прочитајте још"),
        ("ms", "Baca juga"),
    ],
)
def test_pack_is_for_all_the_languages_it_names(language: str, line: str) -> None:
    assert [cut.text for cut in strip(set_in("neutral", "body", line)[1], language).cuts] == [line]


def test_long_block_of_an_unknown_language_is_compared_with_english_only() -> None:
    swedish = "Vi använder cookies för att förbättra webbplatsen" + ", mäta hur den används" * 8
    english = "We use cookies to improve this site" + ", to measure how it is used" * 8
    assert strip(set_in("neutral", "body", swedish)[1], None).cuts == ()
    assert [cut.text for cut in strip(set_in("neutral", "body", english)[1], None).cuts] == [english]


# --- whole pages: a line that must fall bears an x, then come "#" heading, "-" item, ">" quotation, "~" link

MARKS = {"#": BlockKind.HEADING, "-": BlockKind.ITEM, ">": BlockKind.QUOTE}


def drawn(page: str) -> tuple[list[Block], list[int]]:
    """The blocks of a drawn page, and which of them must fall."""
    blocks, falling = [], []
    for index, line in enumerate(filter(None, map(str.strip, page.splitlines()))):
        falls, rest = ("x", line[2:]) if line.startswith("x ") else ("", line)
        kind, text = (MARKS[rest[0]], rest[2:]) if rest[0] in MARKS else (BlockKind.PARAGRAPH, rest)
        blocks.append(Block(text=text.removeprefix("~ "), kind=kind, link_share=float(text.startswith("~ "))))
        falling += [index] if falls else []
    return blocks, falling


ENGLISH = """
    x Home » News » Housing » The market hall closes
    x # The market hall closes
    x By James Carter and Ruth Adeyemi
    x May 12, 2026 - 4 min read
    x Share this article
    The city council voted on Tuesday to close the old market hall, ending a debate that had divided the neighbourhood.
    x Advertisement
    # What the traders say
    “We would have paid higher rents,” said Ruth Adeyemi, whose stall has stood at the north entrance since 1974.
    > “Nobody asked us,” she said. “There was a letter on the door, and that was all we ever heard of it.”
    The report names three reasons why the building cannot stay open any longer in its present state:
    - The roof leaks in eleven places
    - The wiring dates from 1931
    - There is no lift
    x Read also:
    x - ~ Ten markets that survived
    x - Why the fish stalls moved out
    x Mayor denies secret deal with developer
    # What comes next
    A petition to save the hall has gathered nine thousand signatures, and its organisers want to hand it over in June.
    x READ MORE: The long decline of the high street
    The mayor has promised that every trader will be offered a place in the new arcade, which has yet to be built.
    For now the stalls stay open until the end of October, and the last market day is to become a celebration.
    x Photo: Tomas Berg/Gazette
    x James Carter
    x Senior Reporter
    x James Carter is a senior reporter for the Gazette. He has covered housing since 2011 and lives near the hall.
    x Tags: housing, markets, council
    x # You may also like
    x # Five soups for the autumn
    x From pumpkin to leek, these are the soups that our readers cook when the days grow shorter and the evenings long.
    x # A walk along the canal
    x Leave a Comment
    x This site uses Akismet to reduce spam. Learn how your comment data is processed.
"""
POLISH = """
    x Wiadomości
    x # The market hall closes
    x Autor: Jan Zawada
    x 12 maja 2026, 9:15
    Rada miasta zdecydowała we wtorek o zamknięciu starej hali targowej, kończąc spór dzielący mieszkańców.
    x REKLAMA
    Kupcy, którzy od lat siedemdziesiątych sprzedają tam ryby i kwiaty, dowiedzieli się o tym z kartki na drzwiach.
    x Czytaj także: Ostatnie dni starej hali
    „Zapłacilibyśmy wyższy czynsz”, mówi Halina Wrona, której stoisko stoi przy północnym wejściu od 1974 roku.
    x CZYTAJ TEŻ:
    x Dziesięć hal, które ocalały
    x Dlaczego zniknęły stoiska z rybami?
    Pod petycją w obronie hali podpisało się dziewięć tysięcy osób, a jej autorzy chcą złożyć ją przed wakacjami.
    # Co dalej?
    Na razie stoiska pozostają otwarte do końca października, a ostatni dzień targowy ma być świętem z muzyką.
    x Źródło: PAP
    x O autorze
    x Jan Zawada
    x Od lat opisuje sprawy miasta, a w wolnych chwilach zbiera stare pocztówki i jeździ na rowerze po Mazowszu.
    x Komentarze (12)
    x - zenek: no i po hali, szkoda słów
    x - A mnie się podobała ta nowa galeria
"""
GERMAN = """
    x Startseite > Lokales > Markthalle
    x Von Jan Holm
    x Lesezeit: 4 Minuten
    Der Stadtrat hat am Dienstag beschlossen, die alte Markthalle zu schließen, und damit einen langen Streit beendet.
    x # Auch interessant
    x - ~ Zehn Markthallen, die überlebt haben
    x - ~ Warum die Fischstände verschwanden
    Händler, die dort seit den Siebzigerjahren Fisch und Blumen verkaufen, erfuhren davon durch einen Zettel an der Tür.
    # Was die Händler sagen
    „Wir hätten mehr Miete gezahlt“, sagt Ruth Adler, deren Stand seit 1974 am Nordeingang der Halle steht.
    x Externer Inhalt
    x An dieser Stelle finden Sie einen externen Inhalt von Instagram, der den Artikel ergänzt.
    x Lesen Sie auch: Die Geschichte der Markthalle
    Eine Petition für den Erhalt der Halle hat neuntausend Unterschriften, die noch vor dem Sommer übergeben werden.
    x Mehr zum Thema
    x Händler bangen um ihre Zukunft
    x Der Plan für die neue Passage
    x Bürgermeister weist Vorwürfe zurück
    x (dpa)
    x Alle Rechte vorbehalten.
"""
FRENCH = """
    x Accueil > Société
    x Publié le 12 mai 2026 à 9h15
    x Partager
    Le conseil municipal a décidé mardi de fermer les anciennes halles, mettant fin à un débat qui divisait le quartier.
    x Lire aussi : Les dernières halles de la région
    Les marchands qui y vendent du poisson depuis les années soixante-dix disent l’avoir appris par une lettre.
    x Publicité
    « Nous aurions payé un loyer plus élevé », assure Ruth Aubert, dont l’étal se trouve à l’entrée nord depuis 1974.
    x Sur le même sujet
    x - Dix halles qui ont survécu
    x - Pourquoi les poissonniers sont partis
    Une pétition pour sauver les halles a recueilli neuf mille signatures, et ses auteurs veulent la remettre en juin.
    x Jean Delmas
    x Jean Delmas est journaliste au service société de la Gazette.
    x Les plus lus
    x Le maire dément tout accord secret
    x Cinq soupes pour l’automne
    x Laisser un commentaire
    x Votre adresse e-mail ne sera pas publiée.
"""
SPANISH = """
    x Inicio » Local » Mercado
    x Redacción
    x 12 de mayo de 2026
    El pleno municipal decidió el martes cerrar el antiguo mercado y puso fin a un debate que dividía al barrio.
    x Publicidad
    Los comerciantes que venden allí pescado desde los años setenta aseguran que se enteraron por una carta en la puerta.
    x Lea también: Los últimos mercados de la comarca
    “Habríamos pagado un alquiler más alto”, dice Rut Aranda, cuyo puesto está en la entrada norte desde 1974.
    x Te puede interesar
    x - ~ Diez mercados que sobrevivieron
    x - ~ Por qué se fueron los pescaderos
    Una petición para salvar el mercado ha reunido nueve mil firmas, y sus impulsores quieren entregarla en junio.
    x Con información de EFE
    x Etiquetas: mercado, barrio
    x Noticias relacionadas
    x El alcalde niega un acuerdo secreto
    x Cinco sopas para el otoño
    x Síguenos en Facebook
"""
RUSSIAN = """
    x Главная / Новости / Город
    x 12 мая 2026, 9:15
    x Автор: Иван Завада
    Городской совет во вторник решил закрыть старый рынок и поставил точку в споре, который делил жителей района.
    x РЕКЛАМА
    Торговцы, которые с семидесятых продают здесь рыбу и цветы, узнали о решении из листка, приклеенного к двери.
    x Читайте также: Последние дни старого рынка
    «Мы бы платили и больше», — говорит Галина Ворона, чей прилавок стоит у северного входа с 1974 года.
    x ЧИТАЙТЕ ЕЩЁ
    x - ~ Десять рынков, которые уцелели
    x - ~ Почему исчезли прилавки с рыбой
    Петицию в защиту рынка подписали девять тысяч человек, и её авторы хотят передать её депутатам до лета.
    # Что дальше?
    Пока прилавки работают до конца октября, а последний базарный день должен стать праздником с музыкой и супом.
    x Источник: мэрия города
    x Нашли ошибку? Выделите её и нажмите Ctrl+Enter.
    x Подписывайтесь на наш Telegram-канал!
    x Комментарии (12)
    x - зенек: ну вот и нет рынка
"""
CHINESE = """
    x 首页 > 新闻 > 本地
    x 2026年5月12日 09:15
    x 记者 王小明
    市议会周二决定关闭老市场，结束了一场让街坊争论十多年的风波。
    x （廣告，請繼續往下閱讀）
    从七十年代起就在这里卖鱼卖花的商贩说，他们是从门上贴的一张纸得知这个决定的。
    “房租再高一点我们也愿意付，”摊位在北门口的王桂兰说，那是她祖母当年开的。
    x 【延伸阅读】
    x - 十座幸存下来的老市场
    x - 卖鱼的摊位为什么不见了
    九千人签名请愿保留市场，发起人希望在夏天休会以前把它交给议员。
    # 下一步
    目前摊位开放到十月底，最后一个赶集日将办成有音乐和免费热汤的庆典。
    x （责任编辑：李四）
    x 版权声明：本站内容归江边日报所有。未经授权，不得转载。
    x 相关新闻
    x 市长否认密约
    x 五种秋天的汤
"""
TURKISH = """
    x Anasayfa > Gündem > Yerel
    x GİRİŞ TARİHİ: 12 MAYIS 2026, 09:15
    Belediye meclisi salı günü eski pazar yerini kapatma kararı aldı ve mahalleyi bölen tartışmaya son verdi.
    x REKLAM
    Yetmişli yıllardan beri orada balık satan esnaf, kararı kapıya yapıştırılan bir kâğıttan öğrendiğini söylüyor.
    x İLGİLİ HABERLER
    x - ~ Ayakta kalan on pazar
    “Daha yüksek kira öderdik” diyor tezgâhı 1974 yılından beri kuzey girişinde duran Hatice Karga gülerek.
    Pazarın kurtarılması için dokuz bin kişi imza verdi ve düzenleyenler imzaları yazdan önce teslim etmek istiyor.
    x ETİKETLER
    x BUNLAR DA İLGİNİZİ ÇEKEBİLİR
    x Başkan gizli anlaşmayı yalanladı
    x YORUM YAP
"""


@pytest.mark.parametrize(
    ("language", "page"),
    [
        ("en", ENGLISH),
        ("pl", POLISH),
        ("de", GERMAN),
        ("fr", FRENCH),
        ("es", SPANISH),
        ("ru", RUSSIAN),
        ("zh", CHINESE),
        ("tr", TURKISH),
    ],
    ids=["en", "pl", "de", "fr", "es", "ru", "zh", "tr"],
)
def test_page_is_cleaned_to_its_text(language: str, page: str) -> None:
    blocks, falling = drawn(page)
    assert [cut.text for cut in strip(blocks, language).cuts] == [blocks[index].text for index in falling]


def test_cut_names_the_heading_it_fell_under() -> None:
    blocks, _ = drawn(GERMAN)
    rules = {cut.text: (cut.kind, cut.rule) for cut in strip(blocks, "de").cuts}
    assert rules["Mehr zum Thema"] == (CutKind.RELATED, "de.related.list")
    assert rules["Der Plan für die neue Passage"] == (CutKind.RELATED, "de.related.list/under")


# --- scripts


def test_author_of_a_name_without_spaces_is_known() -> None:
    page = replace(article(page_of("王小明", *LINES["zh"]["prose"]), None), authors=("王小明",))
    assert [cut.rule for cut in strip_boilerplate(page, PACKS).cuts] == ["neutral.byline.author"]


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        ("el", ("Διαβάστε επίσης", "ΔΙΑΒΑΣΤΕ ΕΠΙΣΗΣ", "Διαβαστε επισης")),
        ("ru", ("Ещё по теме", "Еще по теме", "ЕЩЁ ПО ТЕМЕ")),
        ("tr", ("İlgili haberler", "İLGİLİ HABERLER", "ILGILI HABERLER")),
        ("ro", ("Citește și", "Citeşte şi", "CITEȘTE ȘI")),
        ("ar", ("اقرأ أيضا", "إقرأ أيضاً", "اقرا ايضا")),
        ("zh", ("延伸阅读：老市场的故事", "【延伸阅读】老市场的故事", "延伸閱讀:老市场的故事")),
    ],
)
def test_line_falls_however_its_letters_and_signs_are_written(language: str, lines: Sequence[str]) -> None:
    for line in lines:
        assert [cut.text for cut in strip(set_in(language, "body", line)[1], language).cuts] == [line]


def test_sentences_of_a_script_without_spaces_are_told_apart() -> None:
    line = "欢迎关注我们的微信公众号。关注我们！"
    assert [cut.kind for cut in strip(set_in("zh", "body", line)[1], "zh").cuts] == [CutKind.SOCIAL]


def test_paragraph_is_long_by_what_its_script_says_with_a_letter() -> None:
    assert reads_as_prose(Block(text=LINES["ko"]["prose"][0]))
    thai = "สภาเทศบาลลงมติเมื่อเย็นวันอังคารให้ปิดอาคารตลาดเก่า และยุติข้อพิพาทที่แบ่งแยกชาวย่านนี้มานานหลายปีลงในที่สุด"
    assert reads_as_prose(Block(text=thai))
    assert not reads_as_prose(Block(text=thai[:40]))


# --- zones

PROSE = LINES["en"]["prose"]


def page_of(*lines: str | Block) -> list[Block]:
    return [line if isinstance(line, Block) else Block(text=line) for line in lines]


def cut_texts(*lines: str | Block, title: str = "The market hall closes") -> list[str]:
    return [cut.text for cut in strip(page_of(*lines), title=title).cuts]


def linked(text: str, kind: BlockKind = BlockKind.PARAGRAPH, link_share: float = 1.0) -> Block:
    return Block(text=text, kind=kind, link_share=link_share)


def item(text: str) -> Block:
    return Block(text=text, kind=BlockKind.ITEM)


def heading(text: str) -> Block:
    return Block(text=text, kind=BlockKind.HEADING)


def test_list_amid_the_text_ends_where_the_text_returns() -> None:
    assert cut_texts(*PROSE[:3], "Read also:", item("Ten markets"), *PROSE[3:]) == ["Read also:", "Ten markets"]
    assert cut_texts(*PROSE[:3], "Read also:", "Ten markets", "He said no.", *PROSE[3:]) == [
        "Read also:",
        "Ten markets",
    ]


def test_subheading_after_a_list_stays() -> None:
    for subheading in (heading("What comes next"), "What comes next"):
        lines = (*PROSE[:3], "Read also:", item("Ten markets"), subheading, *PROSE[3:])
        assert cut_texts(*lines) == ["Read also:", "Ten markets"]


def test_heading_without_its_list_takes_nothing_of_the_text() -> None:
    assert cut_texts(*PROSE[:3], "You may also like", heading("What comes next"), *PROSE[3:]) == ["You may also like"]


def test_song_after_a_heading_amid_the_text_stays() -> None:
    song = [f"And still the river rolls along, verse {number}" for number in range(1, 13)]
    assert cut_texts(*PROSE[:3], "Read more", *song, *PROSE[3:]) == ["Read more"]


def test_long_items_are_text_even_under_a_heading() -> None:
    long_item = item(" ".join(PROSE[:2]))
    assert cut_texts(*PROSE[:4], "Related stories", item("Ten markets"), long_item) == [
        "Related stories",
        "Ten markets",
    ]


def test_heading_above_the_text_takes_nothing() -> None:
    assert cut_texts("Latest news", item("Council closes hall"), item("Traders protest"), *PROSE) == ["Latest news"]


LINKS = Block(text="The council's plan for the hall is on its website, it says.", link_share=0.2)


def test_own_list_under_a_heading_of_lost_links_stays() -> None:
    figures = (item("Fish: 41 stalls"), item("Flowers: 12 stalls"))
    assert cut_texts(*PROSE[:3], LINKS, "Read also:", *figures, *PROSE[3:]) == ["Read also:"]
    assert cut_texts(*PROSE[:3], LINKS, "Read also:", "What was the hardest part?", *PROSE[3:]) == ["Read also:"]
    links = (linked("Ten markets", BlockKind.ITEM), item("Five soups"))
    assert cut_texts(*PROSE[:3], LINKS, "Read also:", *links, *PROSE[3:]) == ["Read also:", "Ten markets", "Five soups"]
    assert cut_texts(*PROSE[:6], LINKS, "Read also:", *figures) == ["Read also:", *(one.text for one in figures)]


def test_table_ends_the_list_under_a_heading() -> None:
    rows = [Block(text=text, kind=BlockKind.ROW) for text in ("Stall | Rent", "Fish | 1,512")]
    assert cut_texts(*PROSE[:3], "Read also:", item("Ten markets"), *rows, *PROSE[3:]) == ["Read also:", "Ten markets"]


@pytest.mark.parametrize(
    "told",
    [
        '"We use cookies to give you the best experience" was the sentence that met every trader who asked for a stall.',
        "She has kept one of the letters. “All rights reserved, it says at the bottom,” she told the council on Tuesday.",
        "“Subscribe to our newsletter and never miss a story,” said the sign over the empty stall at the north gate.",
    ],
)
def test_paragraph_that_quotes_what_a_page_says_stays(told: str) -> None:
    for place in range(len(PROSE) + 1):
        assert cut_texts(*PROSE[:place], told, *PROSE[place:]) == []


def test_call_with_a_name_in_quotation_marks_falls() -> None:
    for call in (
        "We use cookies to give you the best experience on “The Gazette” and to show you what may be of interest.",
        "All rights reserved. No part of “The Riverside Gazette” may be reproduced without permission in writing.",
    ):
        assert cut_texts(*PROSE, call) == [call]


def test_paragraph_that_begins_like_a_call_to_read_more_stays() -> None:
    advice = (
        "Read also the small print at the foot of the contract, the lawyer advises: traders who sign before the end of "
        "June give up the right to come back when the hall opens again, whatever they were told."
    )
    assert cut_texts(*PROSE[:3], advice, *PROSE[3:]) == []
    assert cut_texts(*PROSE[:3], "Read also: Ten markets that survived", *PROSE[3:]) == [
        "Read also: Ten markets that survived"
    ]


def test_turns_of_an_interview_stay() -> None:
    turns = (
        "记者：第一个卖出去的是什么？",
        "王桂兰：一条鱼，那天早上雨下得很大，街上没有人。",
        "记者：以后怎么办？",
        "王桂兰：不知道。版权所有？没有。味道本来就是大家的。",
    )
    assert strip(page_of(LINES["zh"]["prose"][0], *turns, *LINES["zh"]["prose"][1:3]), "zh").cuts == ()
    assert [cut.text for cut in strip(page_of("记者：王小明", *LINES["zh"]["prose"]), "zh").cuts] == ["记者：王小明"]


def test_lone_paragraph_after_the_end_of_an_article_is_a_teaser_but_two_are_text() -> None:
    end = (*PROSE[:5], "Tags: market, council", "Read more")
    assert cut_texts(*end, "Five soups", PROSE[6], "Show more")[1:] == [
        "Read more",
        "Five soups",
        PROSE[6],
        "Show more",
    ]
    assert cut_texts(*end, "Five soups", PROSE[6], PROSE[7])[1:] == ["Read more", "Five soups"]
    assert cut_texts(*PROSE[:5], "Read more", PROSE[6]) == ["Read more"]


def test_lines_of_the_head_and_the_tail_stay_amid_the_text() -> None:
    for line in (
        "Analysis",
        "Senior Reporter",
        "Topics",
        "Comments",
        f"{AUTHOR} is a freelance writer who lives in Leeds.",
    ):
        assert cut_texts(*PROSE[:3], line, *PROSE[3:]) == []


def test_word_that_heads_a_paragraph_stays_in_the_tail_too() -> None:
    assert cut_texts(*PROSE[:7], heading("Politics"), PROSE[7]) == []
    assert cut_texts(*PROSE[:7], heading("Discussion"), PROSE[7]) == []


# --- structure


@pytest.mark.parametrize(
    ("title", "line"),
    [
        ("Market hall: council votes to close it", "Market hall: council votes to close it"),
        ("Market hall: council votes to close it", "MARKET HALL – COUNCIL VOTES TO CLOSE IT!"),
        ("Market hall: council votes to close it", "Council votes to close it"),
        ("Council votes to close hall | The River Gazette", "Council votes to close hall"),
        ("Council votes to close hall - The River Gazette", "Council votes to close hall"),
        ("Council votes to close hall", "City politics Council votes to close hall"),
    ],
)
def test_title_falls_at_the_head_in_any_of_its_forms(title: str, line: str) -> None:
    cuts = strip(page_of(heading(line), *PROSE), title=title).cuts
    assert [(cut.text, cut.kind) for cut in cuts] == [(line, CutKind.TITLE_AGAIN)]


def test_headline_repeated_at_the_head_falls_once_when_it_is_not_the_title() -> None:
    assert cut_texts("Council votes to close hall", "Council votes to close hall", *PROSE, title="gazette-17") == [
        "Council votes to close hall"
    ]


def test_subheading_that_is_not_the_title_stays() -> None:
    assert cut_texts(PROSE[0], heading("The council"), *PROSE[1:], title="The council votes to close the hall") == []


def test_linked_headlines_between_paragraphs_fall() -> None:
    teasers = (
        linked("Topic: Ten markets that survived the flood", BlockKind.ITEM, 0.7),
        linked("Why the fish stalls moved out"),
    )
    assert cut_texts(*PROSE[:3], *teasers, *PROSE[3:]) == [teaser.text for teaser in teasers]
    assert cut_texts(*PROSE, *teasers) == [teaser.text for teaser in teasers]


def test_linked_lines_that_belong_to_the_text_stay() -> None:
    lone = linked("The complete report of the planning office")
    assert cut_texts(*PROSE[:3], lone, *PROSE[3:]) == []  # heads the paragraph
    assert cut_texts(*PROSE[:3], "The files are public:", lone, item("and more")) == []  # introduced by a colon
    assert cut_texts(*PROSE[:3], heading("Sources"), lone, *PROSE[3:]) == []
    assert cut_texts(*PROSE[:3], "The office pointed to", lone, "and to nothing else.") == []  # a broken sentence
    assert cut_texts(*PROSE[:3], linked("The office points to its own report of last year."), *PROSE[3:]) == []
    assert cut_texts(*PROSE[:3], replace(lone, kind=BlockKind.HEADING), *PROSE[3:]) == []


def test_name_and_office_over_a_biography_fall_with_it() -> None:
    biography = "Dana Field is a reporter for the Gazette. She has covered the courts since 2018."
    assert cut_texts(*PROSE, "Dana Field", "Leeds", biography) == ["Dana Field", "Leeds", biography]
    assert cut_texts(*PROSE, "Dana Field") == []


def test_paragraph_about_a_reporter_of_the_story_stays() -> None:
    person = "Dana Field is a reporter for the Gazette and was arrested near the border in March."
    assert (
        cut_texts(
            "On Monday the court heard the case of Dana Field, who was detained in March near the border.",
            *PROSE[:5],
            person,
        )
        == []
    )


def test_biography_falls_with_its_heading_but_never_two_paragraphs() -> None:
    biography = "For ten years she has written about soup, and she still has not found the perfect ladle."
    assert cut_texts(*PROSE, "About the author", AUTHOR, biography) == ["About the author", AUTHOR, biography]
    assert cut_texts(*PROSE[:6], "About the author", *PROSE[6:]) == ["About the author", PROSE[6]]
    assert cut_texts(*PROSE[:5], "About the author", *PROSE[5:]) == ["About the author"]


def test_card_of_another_article_falls_with_its_picture() -> None:
    card = ("As winter comes, soup kitchens fear the worst", f"{PROSE[6][:-1]} …", "Article image")
    assert cut_texts(*PROSE[:6], *card) == list(card)
    assert cut_texts(*PROSE[:6], card[0], PROSE[6], card[2]) == ["Article image"]


def test_page_without_paragraphs_is_cleaned_too() -> None:
    assert cut_texts("Subscribe to continue reading", "Read more", "Five soups") == [
        "Subscribe to continue reading",
        "Read more",
    ]
    assert strip([]).blocks == ()


def test_names_that_are_none_change_nothing() -> None:
    page = article(page_of(*PROSE, "Leave a comment"))
    for authors in ((), ("",), ("- -",), ("Gazette",)):
        assert len(strip_boilerplate(replace(page, authors=authors), PACKS).cuts) == 1


def test_blocks_longer_than_any_rule_are_left_alone() -> None:
    assert cut_texts("Leave a comment " * 60) == []


# --- laws

SAMPLES = sorted({line for table in LINES.values() for line in (*table["prose"], *table["must_keep"])}) + sorted(
    {line for _, _, _, line in lines_to_cut()}
)
pages = st.lists(
    st.builds(
        Block,
        text=st.sampled_from(SAMPLES) | st.text(min_size=1, max_size=300).map(" ".join),
        kind=st.sampled_from(BlockKind),
        link_share=st.sampled_from([0.0, 0.0, 0.3, 0.6, 1.0]),
    ),
    max_size=30,
)
languages = st.sampled_from(["en", "pl", "de", "fr", "es", "it", None])


@settings(max_examples=150, deadline=None)
@given(pages, languages)
def test_kept_and_cut_blocks_together_are_the_article_in_order(blocks: list[Block], language: str | None) -> None:
    clean = strip(blocks, language)
    cut = {cut.position: cut.text for cut in clean.cuts}
    kept = iter(clean.blocks)
    assert [cut[index] if index in cut else next(kept).text for index in range(len(blocks))] == [b.text for b in blocks]
    assert next(kept, None) is None
    assert [cut.position for cut in clean.cuts] == sorted(cut)


@settings(max_examples=150, deadline=None)
@given(pages, languages)
def test_stripping_a_clean_article_cuts_nothing(blocks: list[Block], language: str | None) -> None:
    clean = strip(blocks, language)
    assert strip(clean.blocks, language).cuts == ()


@settings(max_examples=50, deadline=None)
@given(pages, languages)
def test_same_article_is_always_stripped_the_same(blocks: list[Block], language: str | None) -> None:
    assert strip(blocks, language) == strip(list(blocks), language)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from([line for table in LINES.values() for line in table["prose"]]), max_size=20, unique=True),
    languages,
)
def test_paragraphs_alone_are_never_cut(texts: list[str], language: str | None) -> None:
    assert strip([Block(text=text) for text in texts], language).cuts == ()


# --- the patterns themselves

RULES = [rule for rules in PACKS.packs.values() for rule in rules]
WIDE = 8


def nesting(tree: Any) -> int:
    """How deep repeats of more than `WIDE` times stand in one another; possessive ones never backtrack."""
    depth = 0
    for operator, operand in tree:
        wide = operator in (regex_parser.MAX_REPEAT, regex_parser.MIN_REPEAT) and operand[1] - operand[0] > WIDE
        depth = max(depth, wide + max(map(nesting, subpatterns(operand)), default=0))
    return depth


def subpatterns(operand: Any) -> Iterator[Any]:
    if isinstance(operand, regex_parser.SubPattern):
        yield operand
    elif isinstance(operand, tuple | list):
        for part in operand:
            yield from subpatterns(part)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_pattern_has_no_groups_and_no_repeat_within_a_repeat(rule: Rule) -> None:
    assert re.compile(rule.pattern).groups == 0
    assert nesting(regex_parser.parse(rule.pattern)) <= 1


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule_is_tried_only_on_blocks_of_bounded_length(rule: Rule) -> None:
    assert 0 < rule.max_length <= LENGTHS[-1]


@pytest.mark.parametrize(
    "unit", ["a ", "read more ", "share | ", "Ann Lee, ", "1. ", "(", "> ", "AFP/", "@author ", "- "]
)
def test_hostile_block_is_judged_by_every_rule(unit: str) -> None:
    for rule in RULES:
        re.fullmatch(rule.pattern, (unit * LENGTHS[-1])[: rule.max_length] + "\0")
    strip([Block(text=(unit * LENGTHS[-1])[:length]) for length in LENGTHS], None)


def test_packs_have_a_digest_that_stays_the_same() -> None:
    read_packs.cache_clear()
    assert read_packs().digest == PACKS.digest
    assert len(PACKS.digest) == 16


def test_what_stands_over_the_title_before_any_paragraph_falls() -> None:
    head = (
        "In today's Mirror Letters Crossword Tides",
        "The Gull Bay Mirror, 4 Dock Street. Best viewed at 800 x 600.",
    )
    title = "The market hall closes"
    assert cut_texts(*head, title, *PROSE, title=title)[:3] == [*head, title]
    assert head[0] not in cut_texts(PROSE[0], head[0], title, *PROSE[1:], title=title)


def test_what_stands_below_the_comment_prompt_falls_but_a_table_of_the_text_does_not() -> None:
    row = Block(text="Docks | 1,512 | 640", kind=BlockKind.ROW)
    below = ("~old_wolf: In my time this was not so.", row, "For sale: a boat")
    assert cut_texts(*PROSE, "Leave a comment", *below) == ["Leave a comment", below[0], "For sale: a boat"]


def test_law_over_a_line_like_its_title_stays() -> None:
    law = ("Assented to in May", "Whereas the market hall is old,", "and whereas nobody wants it:")
    assert cut_texts(*law, "Short title", *PROSE, title="Short title") == ["Short title"]
