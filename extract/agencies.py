"""News agencies and their names in many languages, as `agencies.toml` lists them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from extract.text import letters

_SHORT = 3  # letters; so short a name counts only as it is written


def agency_named(text: str) -> str | None:
    """The agency that goes by this name, by the name that the store shows; None where it is no agency's."""
    return _by_name().get(_form(text.strip(" ,.;:")))


def agency_behind(title: str, said: str | None = None) -> str | None:
    """The agency that a publisher is: the one that its file says, else the one whose name its title is, as written.

    'LaPresse' is an agency, 'La Presse' a paper.
    """
    return (agency_named(said) or said) if said else _by_title().get(title.strip())


def _form(name: str) -> str:
    form = letters(name).removeprefix("the")
    return form if len(form) > _SHORT else name


@cache
def _by_name() -> Mapping[str, str]:
    return {_form(called): agency for called, agency in _by_title().items()}


@cache
def _by_title() -> Mapping[str, str]:
    names = tomllib.loads((files("extract") / "agencies.toml").read_text(encoding="utf-8"))["names"]
    return {called: agency for agency, others in names.items() for called in (agency, *others)}
