import os
import tempfile
from pathlib import Path

import pytest

from capture.errors import CaptureError, ToolMissing
from capture.pcap import import_pcap, utc_text
from capture.pcap.tshark import Tshark

NOISE = 'Running as user "root" and group "root". This could be dangerous.'


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program named tshark that does what the test writes into it."""
    program = tmp_path / "bin" / "tshark"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program


def answer(program: Path, *, status: int, stdout: str = "", stderr: str = "") -> None:
    program.write_text(
        f"#!/bin/sh\ncat <<'END'\n{stdout}END\ncat >&2 <<'END'\n{NOISE}\n{stderr}\nEND\n"
        f"exit {status}\n"
    )


def test_a_missing_tshark_is_one_line_that_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match=r"apt install tshark.*brew install wireshark") as raised:
        Tshark(tmp_path / "x.pcap")
    assert "\n" not in str(raised.value)


def test_lines_are_handed_on(stand_in: Path, tmp_path: Path) -> None:
    answer(stand_in, status=0, stdout="a\nb\n")
    with Tshark(tmp_path / "x.pcap") as tshark:
        assert list(tshark.packets()) == [b"a\n", b"b\n"]
        assert tshark.problem == ""


def test_a_file_cut_short_is_read_and_remarked(stand_in: Path, tmp_path: Path) -> None:
    said = f'tshark: The file "{tmp_path}/x.pcap" appears to have been cut short.'
    answer(stand_in, status=2, stdout="a\n", stderr=said)
    with Tshark(tmp_path / "x.pcap") as tshark:
        assert list(tshark.packets()) == [b"a\n"]
        assert tshark.problem == 'The file "x.pcap" appears to have been cut short'


def test_any_other_failure_is_one_line_without_noise(stand_in: Path, tmp_path: Path) -> None:
    answer(stand_in, status=1, stderr="tshark: out of luck.")
    with Tshark(tmp_path / "x.pcap") as tshark, tempfile.TemporaryFile() as output:
        with pytest.raises(CaptureError) as raised:
            tshark.follow([0], output)
    assert str(raised.value) == f"tshark cannot read {tmp_path}/x.pcap: out of luck"


def test_a_failure_without_a_word_tells_the_status(stand_in: Path, tmp_path: Path) -> None:
    answer(stand_in, status=3)
    with Tshark(tmp_path / "x.pcap") as tshark, pytest.raises(CaptureError, match="status 3"):
        list(tshark.packets())


def test_a_killed_tshark_is_said(stand_in: Path, tmp_path: Path) -> None:
    stand_in.write_text("#!/bin/sh\nkill -9 $$\n")
    with Tshark(tmp_path / "x.pcap") as tshark, pytest.raises(CaptureError, match="signal 9"):
        list(tshark.packets())


def test_it_is_stopped_when_nobody_reads_on(stand_in: Path, tmp_path: Path) -> None:
    stand_in.write_text("#!/bin/sh\necho a\nexec sleep 60\n")
    with Tshark(tmp_path / "x.pcap") as tshark:
        lines = tshark.packets()
        assert next(lines) == b"a\n"
        lines.close()


def test_a_failure_leaves_no_output(stand_in: Path, tmp_path: Path) -> None:
    packets, out = tmp_path / "x.pcap", tmp_path / "out"
    packets.write_bytes(b"\xd4\xc3\xb2\xa1")
    answer(stand_in, status=1, stderr="tshark: out of luck.")
    with pytest.raises(CaptureError, match="out of luck"):
        import_pcap(packets, out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("unix_ns", "expected"),
    [
        (1_700_000_000_123_456_000, "2023-11-14T22:13:20.123456Z"),
        (1_700_000_000_123_456_789, "2023-11-14T22:13:20.123456789Z"),
        (0, "1970-01-01T00:00:00.000000Z"),
    ],
)
def test_wall_time_keeps_the_nanoseconds_there_are(unix_ns: int, expected: str) -> None:
    assert utc_text(unix_ns) == expected
