"""The charset of a page, whatever it calls itself."""

from __future__ import annotations

import pytest

from extract.charset import decode, decode_unicode

POLISH = "Źródło świętej góry zamarzło, więc żółwie śpią aż do wiosny – tak mówi „Kurier”. " * 3
RUSSIAN = "Паром вышел из гавани в семь часов утра, и на верхней палубе играл оркестр. " * 3
GREEK = "Το πλοίο έφυγε από το λιμάνι στις επτά το πρωί και η μπάντα έπαιζε στο κατάστρωμα. " * 3
SPANISH = "El niño encontró la trompeta en el desván, según contó su abuela con una sonrisa muy ancha. " * 3
JAPANESE = "午前七時に港を出た船の上では、楽団が演奏を続けていた。乗客は皆、帽子を押さえていた。" * 3
KOREAN = "배는 아침 일곱 시에 항구를 떠났고 악단은 갑판에서 연주를 계속했다. " * 3


@pytest.mark.parametrize(
    ("text", "encoding", "lang", "label"),
    [
        (POLISH, "utf-8", "pl", "iso-8859-1"),
        (POLISH, "cp1250", "pl", "utf-8"),
        (POLISH, "cp1250", "pl", "iso-8859-2"),
        (POLISH, "cp1250", "pl", "iso-8859-1"),
        (POLISH.translate(str.maketrans("–„”", '-""')), "iso8859_2", "pl", "utf-8"),
        (SPANISH, "cp1252", "es", "utf-8"),
        (SPANISH, "cp1252", "", ""),
        (RUSSIAN, "cp1251", "ru", "utf-8"),
        (RUSSIAN, "koi8_r", "", "utf-8"),
        (GREEK, "iso8859_7", "el", ""),
        (JAPANESE, "cp932", "ja", "utf-8"),
        (JAPANESE, "euc_jp", "", "euc-jp"),
        (JAPANESE, "iso2022_jp", "ja", "iso-2022-jp"),
        (KOREAN, "cp949", "ko", "ks_c_5601-1987"),
        (SPANISH, "utf-16", "es", "utf-8"),
    ],
)
def test_charset_is_found_whatever_the_label_says(text: str, encoding: str, lang: str, label: str) -> None:
    source = f'<html lang="{lang}"><head><meta charset="{label}"></head><body><article><p>{text}</p></article></body>'
    assert decode(source.encode(encoding), f"text/html; charset={label}", None) == source


def test_language_of_the_source_helps_where_the_page_names_none() -> None:
    assert decode(f"<p>{GREEK}</p>".encode("iso8859_7"), "text/html", "el") == f"<p>{GREEK}</p>"


def test_stray_bytes_do_not_change_the_charset_of_a_page() -> None:
    source = "<p>Caf\ufffd in the old station.</p><p>Żółw, sowa i łoś.</p>"
    stray = source.encode().replace("\ufffd".encode(), b"\xe9")
    assert decode(stray, "text/html", None) == source.replace("\ufffd", "é")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_is_known_with_and_without_its_mark(encoding: str) -> None:
    assert decode_unicode(f"<p>{POLISH}</p>".encode(encoding)) == f"<p>{POLISH}</p>"


def test_what_is_no_unicode_is_left_to_others() -> None:
    assert decode_unicode(POLISH.encode("cp1250")) is None
