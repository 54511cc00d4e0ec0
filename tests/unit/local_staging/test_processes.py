"""A service that does not come up; integration tests cover those that do."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_staging.errors import StagingError
from local_staging.processes import ServiceSpec, start


def test_process_that_ends_shows_the_end_of_its_log(tmp_path: Path) -> None:
    spec = ServiceSpec("mail service", "local_staging.missing", 0, tmp_path / "mail.log")
    with pytest.raises(StagingError) as caught:
        start(spec, timeout_s=20)
    text = str(caught.value)
    assert text.startswith("mail service did not come up, it ended")
    assert "No module named local_staging.missing" in text
    assert "\n" not in text


def test_process_that_says_nothing_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "silent.py").write_text("import threading; threading.Event().wait()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    spec = ServiceSpec("mail service", "silent", 0, tmp_path / "mail.log")
    with pytest.raises(StagingError, match=r"said nothing in 0\.2 s"):
        start(spec, timeout_s=0.2)


def test_log_that_cannot_be_written(tmp_path: Path) -> None:
    spec = ServiceSpec("mail service", "silent", 0, tmp_path / "missing" / "mail.log")
    with pytest.raises(StagingError, match="cannot start the mail service"):
        start(spec, timeout_s=1)
