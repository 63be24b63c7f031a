"""Wire copy and translations, known by the lines that say so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from lxml.html import document_fromstring

from extract.credits import agency_of, translator_of
from extract.metadata import About, read_about
from extract.model import Block, Page

STORY = (
    "The ferry was towed into the harbour on Tuesday morning after a night in the Sound, and nobody on board was hurt.",
    "The company has promised a reward of ten crowns for the tuba that went overboard when the band was surprised.",
)


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
        ("Brede (Post) - ", None),
        ("The company (AP) ", None),
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
