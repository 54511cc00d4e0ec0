from __future__ import annotations

import pytest

from local_staging.errors import StagingError
from local_staging.service.settings import required, seconds


def test_zero_seconds_is_legal() -> None:
    assert seconds({"GRACE": "0"}, "GRACE", 0.4) == 0


def test_default_stands_when_nothing_is_set() -> None:
    assert seconds({}, "GRACE", 0.4) == 0.4


@pytest.mark.parametrize("text", ["", "soon", "-1", "nan", "inf"])
def test_refuses_what_is_no_time(text: str) -> None:
    with pytest.raises(StagingError, match=r"GRACE is .* expected seconds, 0 or more"):
        seconds({"GRACE": text}, "GRACE", 0.4)


def test_required_says_what_is_expected() -> None:
    assert required({"URL": "x"}, "URL", "a URL") == "x"
    with pytest.raises(StagingError, match="URL is not set, expected a URL"):
        required({}, "URL", "a URL")
