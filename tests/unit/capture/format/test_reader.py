"""A file is read as far as it goes, and what is wrong with it is said in one line."""

from pathlib import Path

import pytest

from capture.errors import CaptureError, NewerVersion, NotACapture
from capture.format import reader, versions
from capture.format.model import Note
from capture.format.reader import CaptureReader, read_capture

HEADER = (
    b'{"event":"capture","format":"deadheat-capture","version":1,"vantage":"edge",'
    b'"started_at":"2026-01-02T03:04:05.000000Z","recorder":"test"}\n'
)
NOTES = b"".join(b'{"event":"note","at_ns":%d,"text":"n%d"}\n' % (at, at) for at in (3, 1, 2))
END = b'{"event":"end","at_ns":2,"events":3}\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.jsonl"


def problem_of(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return read_capture(path).problem


def refusal_of(path: Path, kind: type[CaptureError] = NotACapture) -> str:
    with pytest.raises(kind) as caught:
        read_capture(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_a_healthy_file_is_read_in_order_of_time(path: Path) -> None:
    path.write_bytes(HEADER + NOTES + END)
    capture = read_capture(path)
    assert [event.at_ns for event in capture.events] == [1, 2, 3]
    assert capture.problem == ""


def test_events_of_one_time_keep_the_order_of_the_file(path: Path) -> None:
    lines = [b'{"event":"note","at_ns":7,"text":"%d"}\n' % number for number in range(5)]
    path.write_bytes(HEADER + b"".join(lines))
    texts = [event.text for event in read_capture(path).events if isinstance(event, Note)]
    assert texts == ["0", "1", "2", "3", "4"]


def test_a_reader_yields_events_as_they_were_written_and_can_be_read_twice(path: Path) -> None:
    path.write_bytes(HEADER + NOTES + END)
    events = CaptureReader(path)
    assert events.header.recorder == "test"
    assert [event.at_ns for event in events] == [3, 1, 2]
    assert len([*events]) == 3


def test_a_cut_last_line_is_reported_and_what_is_before_it_read(path: Path) -> None:
    path.write_bytes((HEADER + NOTES)[:-5])
    capture = read_capture(path)
    assert len(capture.events) == 2
    assert capture.problem == (
        "line 4 is cut off, its recorder was killed; the 2 events before it were read"
    )


def test_every_cut_of_a_file_reads_as_a_prefix_of_it(path: Path) -> None:
    whole = HEADER + NOTES + END
    for length in range(len(HEADER), len(whole)):
        path.write_bytes(whole[:length])
        events = [*CaptureReader(path)]
        assert len(events) == min(whole[:length].count(b"\n") - 1, 3)


def test_a_missing_end_line_is_reported(path: Path) -> None:
    assert problem_of(path, HEADER + NOTES).startswith("there is no end line")


def test_a_file_with_nothing_but_a_header_is_read(path: Path) -> None:
    assert "the 0 events there were read" in problem_of(path, HEADER)


def test_an_end_line_that_counts_other_events_is_reported(path: Path) -> None:
    lost_one = HEADER + NOTES[NOTES.index(b"\n") + 1 :] + END
    assert problem_of(path, lost_one) == "the end line counts 3 events, 2 were read"


def test_lines_after_the_end_line_are_reported(path: Path) -> None:
    joined = (HEADER + NOTES + END) * 2
    assert "after the end line" in problem_of(path, joined)


@pytest.mark.parametrize(
    "line",
    [
        b"not json\n",
        b'{"event":"note"}\n',
        b'{"event":"unheard-of"}\n',
        b"\n",
        b"[1]\n",
        b'{"event":"note","at_ns":1,"text":"\xff"}\n',
        b'{"event":"note","at_ns":"1","text":""}\n',
    ],
)
def test_a_damaged_middle_line_is_named(path: Path, line: bytes) -> None:
    path.write_bytes(HEADER + NOTES + line + END)
    assert f"{path}:5: not a line of a capture" in refusal_of(path)


def test_a_second_header_is_named(path: Path) -> None:
    path.write_bytes(HEADER + HEADER)
    assert f"{path}:2: a second capture header" in refusal_of(path)


def test_fields_that_nobody_knows_are_passed_over(path: Path) -> None:
    path.write_bytes(HEADER + b'{"event":"note","at_ns":1,"text":"a","later":[1]}\n')
    assert read_capture(path).events == (Note(at_ns=1, text="a"),)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\x00\xff\x89PNG" * 50,
        b'{"log": {"version": "1.2"}}',
        b"[]",
        b"# text\n",
        b'{"event":"capture","format":"other","version":1}\n',
        b'{"event":"note","at_ns":1}\n',
    ],
)
def test_what_is_no_capture_is_said_to_be_none(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    assert "is not a capture" in refusal_of(path)


def test_a_header_that_lacks_something_is_no_capture(path: Path) -> None:
    path.write_bytes(b'{"event":"capture","format":"deadheat-capture","version":1}\n')
    assert "not a line of a capture" in refusal_of(path)


def test_a_first_line_of_another_event_is_no_capture(path: Path) -> None:
    line = b'{"event":"note","format":"deadheat-capture","version":1,"at_ns":1,"text":""}\n'
    path.write_bytes(line)
    assert "no capture header" in refusal_of(path)


def test_a_large_file_without_lines_is_refused_by_its_begin(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_HEADER_BYTES", 10)
    path.write_bytes(HEADER)
    assert "is not a capture" in refusal_of(path)


def test_a_newer_version_asks_for_a_newer_deadheat(path: Path) -> None:
    path.write_bytes(HEADER.replace(b'"version":1', b'"version":2') + b"anything\n")
    message = refusal_of(path, NewerVersion)
    assert "version 2" in message
    assert "install a newer Deadheat" in message


def test_a_version_below_1_is_refused(path: Path) -> None:
    path.write_bytes(HEADER.replace(b'"version":1', b'"version":0'))
    assert "expected 1 or more" in refusal_of(path)


def test_a_file_of_an_earlier_version_is_migrated(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def to_2(line: dict[str, object]) -> dict[str, object]:
        return line | {"text": "migrated"} if line["event"] == "note" else line

    for module in (reader, versions):
        monkeypatch.setattr(module, "VERSION", 2)
    monkeypatch.setattr(versions, "MIGRATIONS", {1: to_2})
    path.write_bytes(HEADER + NOTES + END)
    assert {getattr(event, "text", "") for event in read_capture(path).events} == {"migrated"}


def test_a_directory_and_a_missing_file_cannot_be_read(tmp_path: Path) -> None:
    assert "Is a directory" in refusal_of(tmp_path, CaptureError)
    assert "No such file" in refusal_of(tmp_path / "absent", CaptureError)


def test_a_file_without_permission_cannot_be_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert "Permission denied" in refusal_of(path, CaptureError)
