"""`deadheat show` tells a person, or with --json a program, what a file holds."""

import json
from pathlib import Path

import pytest

from tests.integration.capture.proxied import ROOT, deadheat

GOLDEN = ROOT / "data/golden/v1/session.capture.jsonl"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    path = tmp_path / "copy.jsonl"
    path.write_bytes(GOLDEN.read_bytes())
    return path


def test_a_person_reads_a_summary_and_one_line_an_event() -> None:
    done = deadheat("show", GOLDEN)
    assert (done.returncode, done.stderr) == (0, "")
    summary, *lines = done.stdout.splitlines()
    assert "2 connections" in summary
    assert len(lines) == len(GOLDEN.read_bytes().splitlines()) - 2


def test_a_program_reads_the_fields_of_the_file_in_order_of_time() -> None:
    done = deadheat("show", "--json", GOLDEN)
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    written = [json.loads(line) for line in GOLDEN.read_bytes().splitlines()[1:-1]]
    assert shown == sorted(written, key=lambda event: event["at_ns"])


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_truncated_file_is_shown_as_far_as_it_goes(copy: Path, options: list[str]) -> None:
    lines = copy.read_bytes().splitlines(keepends=True)
    copy.write_bytes(b"".join(lines[:5]) + lines[5][:20])
    done = deadheat("show", *options, copy)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 4 + (options == [])
    (warning,) = done.stderr.splitlines()
    assert warning.startswith(f"deadheat: {copy}: line 6 is cut off, its recorder was killed")


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"event":"capture","format":"deadheat-capture","version":2}\n', "newer Deadheat"),
        (b'{"log":{}}', "is not a capture"),
        (b"", "is not a capture"),
        (b"\x89PNG\r\n\x00\xff", "is not a capture"),
    ],
)
def test_another_file_is_one_clear_line(
    tmp_path: Path, content: bytes, expected: str, options: list[str]
) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    done = deadheat("show", *options, path)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert expected in line


@pytest.mark.parametrize("name", [".", "absent"])
def test_what_cannot_be_read_is_one_clear_line(tmp_path: Path, name: str) -> None:
    done = deadheat("show", tmp_path / name)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"deadheat: cannot read {tmp_path / name}")
