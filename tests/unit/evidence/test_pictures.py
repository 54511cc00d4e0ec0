from pathlib import Path

import pytest

from evidence import pictures
from evidence.errors import EvidenceError
from evidence.pictures import write_pictures


def test_a_finding_is_drawn_as_two_files(hunts: Path, tmp_path: Path) -> None:
    dose, timeline = write_pictures(hunts / "raced", tmp_path)
    assert dose.read_text().startswith("<svg")
    assert "A passing and a failing run" in timeline.read_text()


def test_without_a_passing_run_the_recording_is_drawn(
    hunts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "contrast_chart", lambda record, seen: None)
    assert "The recording" in write_pictures(hunts / "raced", tmp_path)[1].read_text()


def test_nothing_found_is_nothing_to_draw(hunts: Path, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="has no finding to draw"):
        write_pictures(hunts / "fixed", tmp_path)
    assert list(tmp_path.iterdir()) == []
