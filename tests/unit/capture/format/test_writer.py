"""What was written comes back, nothing pending is lost, and nothing is overwritten unasked."""

import errno
import os
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import UnwritableOutput
from capture.format.model import (
    App,
    CloseHow,
    Direction,
    Event,
    Frame,
    Gap,
    Note,
    Secret,
    Side,
    TcpClose,
    UpgradeRequest,
    UpgradeResponse,
)
from capture.format.reader import CaptureReader, read_capture
from capture.format.writer import CaptureWriter
from tests.unit.capture.format.test_model import HEADER

TEXTS = st.text(max_size=30)
NS = st.integers(0, 2**63)
HEADERS = st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | TEXTS,
    lambda inner: st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.dictionaries(TEXTS, JSON, max_size=3)
SECRETS = st.lists(
    st.builds(Secret, id=TEXTS, kind=TEXTS, where=TEXTS, header=FIELDS, claims=FIELDS), max_size=2
).map(tuple)
MAYBE = st.none() | NS
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Note, at_ns=NS, text=TEXTS, connection=st.none() | TEXTS),
    st.builds(App, at_ns=NS, what=TEXTS, connection=st.none() | TEXTS, fields=FIELDS),
    st.builds(
        Gap,
        at_ns=NS,
        connection=TEXTS,
        direction=st.sampled_from(Direction),
        missing_bytes=MAYBE,
        reason=TEXTS,
    ),
    st.builds(
        TcpClose,
        at_ns=NS,
        connection=TEXTS,
        side=st.sampled_from(Side),
        how=st.sampled_from(CloseHow),
        step=MAYBE,
        planned_at_ns=MAYBE,
    ),
    st.builds(
        UpgradeRequest, at_ns=NS, connection=TEXTS, url=TEXTS, headers=HEADERS, secrets=SECRETS
    ),
    st.builds(UpgradeResponse, at_ns=NS, connection=TEXTS, status=NS, headers=HEADERS, body=TEXTS),
    st.builds(
        Frame,
        at_ns=NS,
        connection=TEXTS,
        direction=st.sampled_from(Direction),
        opcode=TEXTS,
        fin=st.booleans(),
        masked=st.booleans(),
        wire_length=NS,
        first_byte_at_ns=NS,
        rsv1=st.booleans(),
        compressed=st.booleans(),
        text=st.none() | TEXTS,
        data=st.none() | st.binary(max_size=30),
        close_code=MAYBE,
        invalid=TEXTS,
        secrets=SECRETS,
    ),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.jsonl"


@given(st.lists(EVENTS, max_size=8))
def test_what_is_written_is_read_back(events: list[Event]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.jsonl"
        with CaptureWriter(path, HEADER) as writer:
            for event in events:
                writer.write(event)
        reader = CaptureReader(path)
        assert [*reader] == events
        assert (reader.header, reader.problem) == (HEADER, "")


def test_every_line_is_json_on_its_own(path: Path) -> None:
    with CaptureWriter(path, HEADER) as writer:
        writer.write(Note(at_ns=7, text="line\nbreak and \N{LINE SEPARATOR}"))
    lines = path.read_bytes().split(b"\n")
    assert lines.pop() == b""
    kinds = [msgspec.json.decode(line)["event"] for line in lines]
    assert kinds == ["capture", "note", "end"]
    assert msgspec.json.decode(lines[-1]) == {"event": "end", "at_ns": 7, "events": 1}


def test_the_header_is_on_disk_at_once_and_events_with_the_next_flush(path: Path) -> None:
    writer = CaptureWriter(path, HEADER)
    header_size = path.stat().st_size
    assert header_size > 0
    writer.write(Note(at_ns=1, text="a"))
    assert path.stat().st_size == header_size
    writer.flush()
    assert path.read_bytes().endswith(b'"text":"a"}\n')
    writer.end()


def test_only_its_owner_can_read_a_new_capture(path: Path) -> None:
    CaptureWriter(path, HEADER).end()
    assert path.stat().st_mode & 0o777 == 0o600


def test_leaving_with_an_error_flushes_and_writes_no_end(path: Path) -> None:
    def record() -> None:
        with CaptureWriter(path, HEADER) as writer:
            writer.write(Note(at_ns=1, text="a"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        record()
    capture = read_capture(path)
    assert len(capture.events) == 1
    assert "no end line" in capture.problem


def test_a_full_file_is_not_overwritten_unasked(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(UnwritableOutput, match="pass --overwrite"):
        CaptureWriter(path, HEADER)
    assert path.read_text() == "precious"
    CaptureWriter(path, HEADER, overwrite=True).end()
    assert read_capture(path).header == HEADER


def test_an_abandoned_file_gives_back_what_it_was_to_replace(path: Path) -> None:
    path.write_text("precious")
    writer = CaptureWriter(path, HEADER, overwrite=True)
    writer.write(Note(at_ns=1, text="a"))
    writer.abandon()
    assert path.read_text() == "precious"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_what_was_replaced_goes_when_the_new_file_is_whole(path: Path) -> None:
    path.write_text("old")
    writer = CaptureWriter(path, HEADER, overwrite=True)
    assert path.with_name(f"{path.name}.replaced").read_text() == "old"
    writer.end()
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_an_empty_file_may_be_written_to(path: Path) -> None:
    path.touch()
    CaptureWriter(path, HEADER).end()
    assert read_capture(path).problem == ""


@pytest.mark.parametrize("place", [".", "absent/x.jsonl"])
def test_a_path_that_cannot_be_written_is_one_clear_line(tmp_path: Path, place: str) -> None:
    with pytest.raises(UnwritableOutput, match="cannot write"):
        CaptureWriter(tmp_path / place, HEADER)


def test_a_folder_without_permission_is_one_clear_line(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(UnwritableOutput, match="Permission denied"):
        CaptureWriter(path, HEADER)


def test_a_recording_that_never_began_leaves_no_file(path: Path) -> None:
    CaptureWriter(path, HEADER).abandon()
    assert not path.exists()


def test_a_device_is_not_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[Path] = []
    monkeypatch.setattr(Path, "unlink", lambda path, **_: removed.append(path))
    CaptureWriter(Path(os.devnull), HEADER).abandon()
    assert removed == []


class FullDisk:
    """Stands in for os.write: takes `room` bytes, at most 7 at a time, then has no space left."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._write = os.write

    def __call__(self, descriptor: int, data: memoryview) -> int:
        taken = min(self.room, len(data), 7)
        if taken == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= taken
        return self._write(descriptor, data[:taken])


@pytest.mark.parametrize("room", [0, 1, 20, 50])
def test_a_full_disk_loses_nothing_that_was_pending(
    path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    writer = CaptureWriter(path, HEADER)
    disk = FullDisk(room)
    monkeypatch.setattr(os, "write", disk)
    writer.write(Note(at_ns=1, text="first"))
    writer.write(Note(at_ns=2, text="second"))
    with pytest.raises(UnwritableOutput, match="No space left"):
        writer.flush()
    writer.write(Note(at_ns=3, text="third"))
    disk.room = 10_000
    writer.end()
    texts = [event.text for event in read_capture(path).events if isinstance(event, Note)]
    assert texts == ["first", "second", "third"]


def test_a_disk_that_is_full_from_the_start_is_one_clear_line(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", FullDisk(0))
    with pytest.raises(UnwritableOutput, match="No space left"):
        CaptureWriter(path, HEADER)


def test_an_end_that_cannot_be_written_closes_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = CaptureWriter(path, HEADER)
    monkeypatch.setattr(os, "write", FullDisk(0))
    with pytest.raises(UnwritableOutput):
        writer.end()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.close(writer._descriptor)


def test_an_event_that_cannot_be_written_leaves_no_half_line(path: Path) -> None:
    with CaptureWriter(path, HEADER) as writer:
        writer.write(Note(at_ns=1, text="a"))
        with pytest.raises(UnicodeEncodeError):
            writer.write(Note(at_ns=2, text="lone \ud800"))
        writer.write(Note(at_ns=3, text="b"))
    capture = read_capture(path)
    assert [event.at_ns for event in capture.events] == [1, 3]
    assert capture.problem == ""
