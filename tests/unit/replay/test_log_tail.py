from pathlib import Path

import pytest

from replay.errors import ReplayError
from replay.log_tail import LogTail


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "server.log"
    path.write_bytes(b"old\n")
    return path


def add(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_what_was_there_before_is_passed_over(log: Path) -> None:
    assert LogTail(log).new_lines() == []


def test_each_line_is_told_once(log: Path) -> None:
    tail = LogTail(log)
    add(log, b"one\ntwo\n")
    assert tail.new_lines() == ["one", "two"]
    assert tail.new_lines() == []


def test_a_half_written_line_waits(log: Path) -> None:
    tail = LogTail(log)
    add(log, b"one\ntw")
    assert tail.new_lines() == ["one"]
    add(log, b"o\n")
    assert tail.new_lines() == ["two"]


def test_skipping_forgets_what_came_between_runs(log: Path) -> None:
    tail = LogTail(log)
    add(log, b"one\n")
    tail.skip()
    add(log, b"two\n")
    assert tail.new_lines() == ["two"]


def test_a_log_that_was_rotated_starts_anew(log: Path) -> None:
    tail = LogTail(log)
    log.write_bytes(b"a\n")
    assert tail.new_lines() == ["a"]


def test_bytes_that_are_no_text_are_replaced(log: Path) -> None:
    tail = LogTail(log)
    add(log, b"\xff!\n")
    assert tail.new_lines() == ["\ufffd!"]


def test_a_log_that_cannot_be_read_is_named(log: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "absent.log", tmp_path):
        with pytest.raises(ReplayError, match="cannot read the log"):
            LogTail(path)
    tail = LogTail(log)
    log.unlink()
    with pytest.raises(ReplayError, match="cannot read the log"):
        tail.new_lines()
