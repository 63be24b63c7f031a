"""Under whose name it goes into the store what no feed has announced."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from unicodedata import combining, normalize
from urllib.parse import unquote, urlsplit

from extract.urls import registrable_domain

NO_NAME = "local"  # of a source of whose name no letter or digit is left


def owner(url: str, source: str | None, owners: Mapping[str, str]) -> tuple[str, str]:
    """Name and title of the source that a page is loaded under: as the user says, else by its domain, else its folder.

    owners: registrable domain → source that publishes there. Raises BadUrl.
    """
    domain = registrable_domain(url)
    name = source or owners.get(domain) or source_name(domain or PurePosixPath(unquote(urlsplit(url).path)).parent.name)
    return name, name if source else domain or name


def source_name(text: str) -> str:
    """A text as a source may be called: small letters, digits, hyphens; 'daily-example' for daily.example."""
    plain = "".join(char for char in normalize("NFKD", text.lower()) if not combining(char))
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or NO_NAME
