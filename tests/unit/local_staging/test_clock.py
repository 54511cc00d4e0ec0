from __future__ import annotations

from local_staging.clock import utc_text


def test_text_is_utc_with_milliseconds() -> None:
    assert utc_text(1_700_000_000.25) == "2023-11-14T22:13:20.250Z"


def test_text_without_fraction_still_has_milliseconds() -> None:
    assert utc_text(0.0) == "1970-01-01T00:00:00.000Z"
