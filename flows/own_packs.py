"""The folder of own rule packs."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from flows.settings import Settings
from transform.own_rules import BadPack, OwnRules, PackText, Undone, rule_packs


class NoPacks(Exception):
    """The folder of own packs that was named is not there."""


def own_rules(settings: Settings, undone: Collection[Undone] = ()) -> OwnRules:
    """The own packs, known to be usable, and the rules that someone switched off. Raises NoPacks, or BadPack."""
    own = OwnRules(packs=own_packs(settings), undone=tuple(undone))
    rule_packs(own)
    return own


def own_packs(settings: Settings) -> tuple[PackText, ...]:
    """The packs of the folder, by name; none unless a folder is named. Raises NoPacks, or BadPack."""
    if settings.rules is None:
        return ()
    if not settings.rules.is_dir():
        raise NoPacks(f"There is no folder '{settings.rules}', which STORYFOLD_RULES names.")
    return tuple(read_pack(path) for path in sorted(settings.rules.glob("*.toml")))


def read_pack(path: Path) -> PackText:
    """The pack in a file. Raises BadPack when it cannot be read as text."""
    try:
        return PackText(name=path.stem, text=path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadPack(path.stem, f"it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadPack(path.stem, f"it is not written in UTF-8 (at byte {error.start})") from error
