"""Bylines taken apart into names."""

from __future__ import annotations

import pytest

from extract.authors import names_in, reads_as_name


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("By Ada Brook, Jonas Quill and Mia Lund", ["Ada Brook", "Jonas Quill", "Mia Lund"]),
        ("Von Dr. Max Reiter und Hanne Specht", ["Dr. Max Reiter", "Hanne Specht"]),
        ("par Marie Dupont et Jean d'Ormoy", ["Marie Dupont", "Jean d'Ormoy"]),
        ("Jan Nowak i Anna Wilk", ["Jan Nowak", "Anna Wilk"]),
        ("Por José Ortega y Gasset", ["José Ortega y Gasset"]),
        ("Maria & Katerina", ["Maria & Katerina"]),
        ("Di Mario Rossi e Anna Bianchi", ["Mario Rossi", "Anna Bianchi"]),
        ("Written By:Ada Brook", ["Ada Brook"]),
        ("Text: Jan Novák", ["Jan Novák"]),
        ("Автор: Иван Петров", ["Иван Петров"]),
        ("本报记者 王小明、李四", ["王小明", "李四"]),
        ("신현주 기자", ["신현주"]),
        ("文／王小明", ["王小明"]),
        ("Brook, Ada", ["Brook, Ada"]),
        ("Erik van der Berg", ["Erik van der Berg"]),
    ],
)
def test_a_byline_is_taken_apart_in_many_languages(byline: str, names: list[str]) -> None:
    assert list(names_in(byline)) == names


@pytest.mark.parametrize(
    "byline",
    [
        "Ada Brook, Senior Reporter",
        "Ada Brook, Port Ellery Bureau Chief",
        "Ada Brook, Brede",
        "Ada Brook in Brussels",
        "Ada Brook from Port Ellery",
        "Ada Brook (@adabrook)",
        "Ada Brook ada@post.example",
        "Ada Brook • March 12",
        "Ada Brook - Post Editorial Team",
        "Ada Brook Last updated 3 May",
        "Ada Brook December",
        "Ada Brook, MD, PhD",
        "Ada Brook and agencies",
        "Ada Brook and staff",
        "Ada Brook with AFP",
        "Ada Brook mit dpa",
    ],
)
def test_what_stands_around_a_name_is_cut_off(byline: str) -> None:
    assert list(names_in(byline)) == ["Ada Brook"]


@pytest.mark.parametrize(
    "byline",
    [
        "Staff and agencies",
        "Web Desk",
        "News Desk",
        "La Rédaction",
        "Redaktion",
        "admin",
        "q_admin",
        "ada.brook",
        "Dec",
    ],
)
def test_desks_logins_and_dates_are_no_names(byline: str) -> None:
    assert list(names_in(byline)) == []


def test_agencies_are_names() -> None:
    assert list(names_in("Felix Reiter und Jörg Wald, dpa")) == ["Felix Reiter", "Jörg Wald", "dpa"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada Brook", True),
        ("松岡大地", True),
        ("Follow us on Twitter", False),
        ("HR", False),
        ("Ludwig van Lund", True),
    ],
)
def test_names_are_known_by_how_they_are_written(text: str, expected: bool) -> None:
    assert reads_as_name(text) is expected
