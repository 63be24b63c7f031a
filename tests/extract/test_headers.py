"""What header fields say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.headers import fresh_for_s, retry_after_s

NOW = datetime(2026, 11, 21, 10, 15, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("9" * 6000, 86_400.0),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("soon", None),
        ("Sat, 21 Nov 2026 10:16:00 GMT", 59.876544),
        ("Sat, 21 Nov 2026 10:14:00 GMT", 0.0),
        ("Saturday, 21-Nov-26 10:16:00 GMT", 59.876544),
        ("Sat, 21 Nov 9999 10:16:00 GMT", 86_400.0),
        ("Sat, 21 Nov 2026 10:16:00 +9999999999", None),
    ],
)
def test_retry_after_in_both_forms_and_bounded(value: str, wait_s: float | None) -> None:
    assert retry_after_s(value, NOW) == wait_s


@given(
    st.one_of(
        st.text(), st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,6} (Nov|Feb) [0-9]{1,12} [0-9:]{3,12} [+-]?[0-9A-Z]{1,12}")
    )
)
def test_any_retry_after_is_bounded_or_nothing(value: str) -> None:
    wait_s = retry_after_s(value, NOW)
    assert wait_s is None or 0 <= wait_s <= 86_400


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"Cache-Control": "max-age=600"}, 600),
        ({"cache-control": 'Public, MAX-AGE="600"'}, 600),
        ({"Cache-Control": "max-age=600", "Age": "200"}, 400),
        ({"Cache-Control": "max-age=600", "Age": "900"}, 0),
        ({"Cache-Control": "max-age=600, no-cache"}, 0),
        ({"Cache-Control": "no-store"}, 0),
        ({"Cache-Control": "max-age=-1"}, 0),
        ({"Cache-Control": "max-age=soon"}, 0),
        ({"Cache-Control": "s-maxage=600"}, 0),  # for shared caches
        ({"Cache-Control": "max-age=60", "Expires": "Sat, 21 Nov 2026 12:15:00 GMT"}, 60),
        ({"Expires": "Sat, 21 Nov 2026 10:25:00 GMT", "Date": "Sat, 21 Nov 2026 10:15:00 GMT"}, 600),
        ({"Expires": "Sat, 21 Nov 2026 10:25:00 GMT"}, 600),
        ({"Expires": "Sat, 21 Nov 2026 09:00:00 GMT"}, 0),
        ({"Expires": "0"}, 0),
    ],
)
def test_freshness_is_read_as_a_private_cache_reads_it(headers: dict[str, str], seconds: float) -> None:
    now = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
    assert fresh_for_s(tuple(headers.items()), now) == seconds
