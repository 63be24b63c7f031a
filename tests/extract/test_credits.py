"""Wire copy and translations, known by the lines that say so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from lxml.html import document_fromstring

from extract.credits import UNNAMED, credit_of, material_of, translator_of
from extract.metadata import About, read_about
from extract.model import Block, Certainty, Page

STORY = (
    "The ferry was towed into the harbour on Tuesday morning after a night in the Sound, and nobody on board was hurt.",
    "The company has promised a reward of ten crowns for the tuba that went overboard when the band was surprised.",
)


def agency_of(authors: Sequence[str], told: Sequence[Block]) -> str | None:
    credit = credit_of(authors, told)
    return credit.agency if credit else None


def blocks(*texts: str) -> list[Block]:
    return [Block(text=text) for text in texts]


def about(head: str = "") -> About:
    url = "https://post.example/ferry"
    page = Page(url=url, final_url=url, status=200, headers=(), body=b"", fetched_at=datetime(2026, 3, 20, tzinfo=UTC))
    return read_about(page, document_fromstring(f"<html><head>{head}</head><body><p>x</p></body></html>"))


@pytest.mark.parametrize(
    ("dateline", "agency"),
    [
        ("WARSAW (Reuters) - ", "Reuters"),
        ("WARSAW, March 3 (Reuters) — ", "Reuters"),
        ("BEIJING, March 3 (Xinhua) -- ", "Xinhua"),
        ("BERLIN, 3. März (dpa) - ", "dpa"),
        ("Berlin (dpa/lby) – ", "dpa"),
        ("St. Gallen (sda) - ", "Keystone-SDA"),
        ("Paris, 3 mars (AFP) - ", "AFP"),
        ("Madrid, 3 mar (EFE).- ", "EFE"),
        ("(ANSA) - ROMA, 03 MAR - ", "ANSA"),
        ("Praha 3. března (ČTK) - ", "ČTK"),
        ("МОСКВА, 3 марта. /ТАСС/. ", "TASS"),
        ("МОСКВА, 3 мар - РИА Новости. ", "RIA Novosti"),
        ("Москва. 3 марта. INTERFAX.RU - ", "Interfax"),
        ("新华社北京3月3日电 ", "Xinhua"),
        ("（中央社記者王小明台北3日電）", "Central News Agency"),
        ("[ロンドン 3日 ロイター] - ", "Reuters"),
        ("【ロンドン共同】", "Kyodo"),
        ("أردل (رويترز) - ", "Reuters"),
        ("بريدي 3 مارس آذار (أ ف ب) – ", "AFP"),
        ("بريدي (د ب أ)- ", "dpa"),
        ("بريدي، 3 مارس (شينخوا) -- ", "Xinhua"),
        ("بريدي (البلد) - ", None),
        ("Brede (Post) - ", None),
        ("The company (AP) ", None),
        ("The Associated Press (AP) - ", None),
    ],
)
def test_agency_of_a_dateline(dateline: str, agency: str | None) -> None:
    assert agency_of((), blocks("The ferry and the tuba", dateline + STORY[0], STORY[1])) == agency


@pytest.mark.parametrize(
    ("line", "agency"),
    [
        ("Source: AFP", "AFP"),
        ("(Quelle: APA/sda/dpa)", "APA"),
        ("Fuente: EFE", "EFE"),
        ("Źródło: PAP", "PAP"),
        ("Πηγή: ΑΠΕ-ΜΠΕ", "AMNA"),
        ("来源：新华社", "Xinhua"),
        ("(PAP)", "PAP"),
        ("© 2026 AFP", "AFP"),
        ("Copyright 2026 The Associated Press. All rights reserved.", "AP"),
        ("Quelle: post.example, jki/dpa", None),
        ("Foto: dpa", None),
        ("© AFP", None),
        ("Mit Material von dpa", None),
        ("Reuters contributed to this report.", None),
        ("Sources close to the company told Reuters so.", None),
    ],
)
def test_agency_of_a_line_below_the_text(line: str, agency: str | None) -> None:
    assert agency_of(("Ada Brook",), blocks(*STORY, line)) == agency


def test_agency_behind_the_last_sentence_counts_where_nobody_else_signs() -> None:
    told = blocks(STORY[0], f"{STORY[1]} (AP)")
    assert agency_of((), told) == "AP"
    assert agency_of(("Ada Brook",), told) is None  # it is a picture's caption


@pytest.mark.parametrize(
    ("authors", "agency"),
    [
        (("Associated Press",), "AP"),
        (("AFP", "Reuters"), "AFP"),
        (("AFP, MANILA",), "AFP"),
        (("Ada Brook, Associated Press",), "AP"),
        (("Ada Brook", "dpa"), None),
        (("Ada Brook",), None),
        ((), None),
    ],
)
def test_agency_that_signs(authors: tuple[str, ...], agency: str | None) -> None:
    assert agency_of(authors, blocks(*STORY)) == agency


def test_agency_that_is_mentioned_is_not_whose_text_it_is() -> None:
    told = blocks(
        "The ferry sank, Reuters reported on Tuesday.", "According to AFP and dpa (Berlin) - nobody was hurt."
    )
    assert agency_of((), told) is None


@pytest.mark.parametrize(
    ("authors", "texts", "certainty", "evidence"),
    [
        (["AFP, MANILA"], STORY, "likely", "signed 'AFP, MANILA'"),
        ([], ["WARSZAWA, 12 maja (PAP) – " + STORY[0]], "likely", "dateline 'WARSZAWA, 12 maja (PAP) –'"),
        (["Ada Brook"], [*STORY, "Source: Xinhua"], "likely", "credited 'Source: Xinhua'"),
        (["Ada Brook"], [*STORY, "(Reuters)"], "likely", "marked '(Reuters)'"),
        (["AP"], STORY, "possible", "signed 'AP'"),
        (["Ada Brook"], [*STORY, "(AP)"], "possible", "marked '(AP)'"),
        ([], [*STORY[:1], STORY[1] + " (dpa)"], "possible", "ends in 'board when the band was surprised. (dpa)'"),
    ],
)
def test_how_sure_a_mark_is_and_what_it_says(
    authors: list[str], texts: list[str], certainty: str, evidence: str
) -> None:
    """Two letters that stand alone may be somebody's initials, a bracket behind the text a picture's."""
    credit = credit_of(authors, blocks(*texts))
    assert credit and (credit.certainty, credit.evidence) == (Certainty(certainty), evidence)


@pytest.mark.parametrize(
    ("line", "material"),
    [
        ("Mit Material von dpa", ["dpa"]),
        ("(Mit Material der dpa und AFP)", ["dpa", "AFP"]),
        ("With material from the Associated Press", ["AP"]),
        ("With agency material", [UNNAMED]),
        ("(mit Agenturmaterial)", [UNNAMED]),
        ("Reuters contributed to this report.", ["Reuters"]),
        ("The Associated Press and AFP contributed to this report", ["AP", "AFP"]),
        ("avec AFP", ["AFP"]),
        ("(avec l'AFP)", ["AFP"]),
        ("Con información de EFE", ["EFE"]),
        ("Com informações da agência Lusa", ["Agência Lusa"]),
        ("Z wykorzystaniem materiałów PAP", ["PAP"]),
        ("Na podstawie: PAP", ["PAP"]),
        ("По материалам ТАСС", ["TASS"]),
        ("Quelle: post.example, jki/dpa", ["dpa"]),
        ("Source: AFP", []),
        ("With Reuters in the lead, the race went on", []),
        ("Ada Brook contributed to this report.", []),
        ("Foto: dpa", []),
        ("(Reuters/Ada Brook)", []),
        ("Ada Brook talks with AFP", []),
    ],
)
def test_agencies_that_helped_are_named_in_a_line_of_their_own(line: str, material: list[str]) -> None:
    told = blocks(*STORY, line)
    assert list(material_of((), told, credit_of(("Ada Brook",), told))) == material


@pytest.mark.parametrize(
    ("signed", "head", "material"),
    [
        (["Le Courrier avec AFP"], STORY[0], ["AFP"]),
        (["Ada Brook and dpa"], STORY[0], ["dpa"]),
        ([], "By Ada Brook with AFP", ["AFP"]),
        ([], "BERLIN (Post/dpa) - " + STORY[0], ["dpa"]),
        (["AFP", "Reuters"], STORY[0], []),
        (["AFP"], STORY[0], []),
        (["Ada Brook"], STORY[0], []),
    ],
)
def test_agencies_beside_a_writer_or_the_paper_helped(signed: list[str], head: str, material: list[str]) -> None:
    told = blocks(head, *STORY)
    assert list(material_of(signed, told, None)) == material


@pytest.mark.parametrize(
    ("line", "translator"),
    [
        ("Translated by Ada Brook", "Ada Brook"),
        ("Translated from the German by Ada Brook.", "Ada Brook"),
        ("Aus dem Englischen von Anna Specht", "Anna Specht"),
        ("Von Jonas Quill. Aus dem Englischen von Anna Specht", "Anna Specht"),
        ("Übersetzung: Anna Specht, Redaktion: Jonas Quill", "Anna Specht"),
        ("Tłumaczenie: Jan Nowak i Anna Wilk", "Jan Nowak, Anna Wilk"),
        ("Z angielskiego przełożyła Anna Wilk", "Anna Wilk"),
        ("Traduction : Marie Dupont", "Marie Dupont"),
        ("Traduit de l’anglais (États-Unis) par Marie Dupont", "Marie Dupont"),
        ("Traducción de José Pérez", "José Pérez"),
        ("Traduzione di Mario Rossi", "Mario Rossi"),
        ("Tradução de Ana Silva", "Ana Silva"),
        ("Vertaling: Jan de Vries", "Jan de Vries"),
        ("Перевод: Иван Петров", "Иван Петров"),
        ("Переклад: Іван Петренко", "Іван Петренко"),
        ("Překlad: Jan Novák", "Jan Novák"),
        ("Μετάφραση: Γιώργος Παππάς", "Γιώργος Παππάς"),
        ("Çeviri: Ahmet Yılmaz", "Ahmet Yılmaz"),
        ("译者：王小明", "王小明"),
        ("翻訳：山田太郎", "山田太郎"),
        ("Translation: the government lost again", None),
        ("Translation services in Brede", None),
        ("Translated by Google", None),
    ],
)
def test_translator_of_a_line_around_the_text(line: str, translator: str | None) -> None:
    assert translator_of(about(), blocks(*STORY, line)) == translator


def test_translator_of_linked_data_comes_first() -> None:
    head = '<script type="application/ld+json">{"@type":"NewsArticle","translator":{"name":"Mia Lund"}}</script>'
    assert translator_of(about(head), blocks(*STORY, "Translated by Ada Brook")) == "Mia Lund"
