"""Files that cannot be read, or hold nothing to read: one clear line, and no output."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from scapy.utils import wrpcap

from capture.errors import DeadheatError, UnwritableOutput
from capture.format.reader import read_capture
from capture.pcap import import_pcap
from tests.integration.capture.pcap_packets import (
    BEGAN_NS,
    Tcp,
    frames,
    from_client,
    from_server,
    in_order_of_time,
    notes,
    require,
    snapped,
)


@pytest.fixture(autouse=True)
def tshark() -> None:
    require("tshark")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.capture"


def session(file: Path) -> Path:
    tcp = Tcp().open()
    for number in range(3):
        tcp.server(from_server(f"hello {number}".encode()))
    wrpcap(str(file), tcp.packets)
    return file


def refused(file: Path, out: Path) -> str:
    with pytest.raises(DeadheatError) as raised:
        import_pcap(file, out)
    assert not out.exists()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_what_is_no_packet_file(tmp_path: Path, out: Path) -> None:
    for name, content in {
        "empty": b"",
        "text": b"hello\n",
        "json": b'{"event":"capture"}\n',
    }.items():
        (tmp_path / name).write_bytes(content)
    assert "is empty, expected a pcap" in refused(tmp_path / "empty", out)
    assert "is no packet file, expected pcap or pcapng" in refused(tmp_path / "text", out)
    assert "is no packet file, expected pcap or pcapng" in refused(tmp_path / "json", out)
    assert "No such file or directory" in refused(tmp_path / "missing", out)
    assert "Is a directory" in refused(tmp_path, out)


def test_a_packet_file_without_packets(tmp_path: Path, out: Path) -> None:
    file = session(tmp_path / "session.pcap")
    header_only, half_a_header = tmp_path / "header.pcap", tmp_path / "half.pcap"
    header_only.write_bytes(file.read_bytes()[:24])
    half_a_header.write_bytes(file.read_bytes()[:12])
    assert refused(header_only, out).endswith("header.pcap holds no TCP packets")
    assert "cut short" in refused(half_a_header, out)


def test_a_file_cut_short_is_read_as_far_as_it_goes(tmp_path: Path, out: Path) -> None:
    file = session(tmp_path / "session.pcap")
    file.write_bytes(file.read_bytes()[:-80])
    import_pcap(file, out)
    capture = read_capture(out)
    assert frames(capture) == [("s", b"hello 0"), ("s", b"hello 1")]
    assert "cut short in the middle of a packet; read up to there" in notes(capture)[-1]


def test_a_file_damaged_in_the_middle_is_read_as_far_as_it_goes(tmp_path: Path, out: Path) -> None:
    file = session(tmp_path / "session.pcap")
    content = bytearray(file.read_bytes())
    second = content.index(b"hello 1")
    content[second + 7 : second + 23] = b"\xff" * 16
    file.write_bytes(content)
    import_pcap(file, out)
    assert frames(read_capture(out)) == [("s", b"hello 0"), ("s", b"hello 1")]
    assert "damaged or corrupt" in notes(read_capture(out))[-1]


def test_encrypted_streams_are_called_so(tmp_path: Path, out: Path) -> None:
    tls, http = Tcp(), Tcp(("10.0.0.3", 6000), now_ns=BEGAN_NS + 500)
    for tcp, data in (
        (tls, b"\x16\x03\x01\x02\x00" + b"x" * 100),
        (http, b"GET / HTTP/1.1\r\n\r\n"),
    ):
        tcp.open(b"")
        tcp.packets = tcp.packets[:3]
        tcp.client(data)
    file = tmp_path / "tls.pcap"
    wrpcap(str(file), in_order_of_time(tls, http))
    message = refused(file, out)
    assert "no WebSocket connection in 2 TCP streams, 1 of which look encrypted" in message
    assert "deadheat capture proxy" in message


def test_packets_cut_before_their_payload_are_called_so(tmp_path: Path, out: Path) -> None:
    tcp, file = Tcp().open(), tmp_path / "heads.pcap"
    wrpcap(str(file), [snapped(packet, 60) for packet in tcp.packets])
    assert "captured only in part: capture whole ones (tcpdump -s 0)" in refused(file, out)


def test_too_few_frames_from_the_middle_are_not_taken_for_websocket(
    tmp_path: Path, out: Path
) -> None:
    tcp, file = Tcp(), tmp_path / "session.pcap"
    tcp.client(from_client(b"hi"))
    wrpcap(str(file), tcp.packets)
    assert "no WebSocket connection in 1 TCP streams" in refused(file, out)


def test_an_existing_output_is_kept(tmp_path: Path, out: Path) -> None:
    file = session(tmp_path / "session.pcap")
    out.write_text("precious")
    with pytest.raises(UnwritableOutput, match="--overwrite"):
        import_pcap(file, out)
    assert out.read_text() == "precious"


def test_the_packet_file_is_never_its_own_output(tmp_path: Path) -> None:
    file = session(tmp_path / "session.pcap")
    before = file.read_bytes()
    with pytest.raises(UnwritableOutput, match="the packet file itself"):
        import_pcap(file, file, overwrite=True)
    assert file.read_bytes() == before


def test_settings_of_the_person_change_nothing(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, settings = session(tmp_path / "session.pcap"), tmp_path / "settings"
    settings.mkdir()
    (settings / "preferences").write_text("tcp.check_checksum: TRUE\n")
    (settings / "disabled_protos").write_text("tcp\n")
    monkeypatch.setenv("WIRESHARK_CONFIG_DIR", str(settings))
    import_pcap(file, out)
    assert len(frames(read_capture(out))) == 3


def run(*arguments: str | Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"PATH": path} if path is not None else {})
    command = [sys.executable, "-m", "deadheat", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_the_command_writes_a_capture_and_one_line(tmp_path: Path, out: Path) -> None:
    # A name that looks like an option is a name.
    file = session(tmp_path / "-r.pcap")
    done = run("capture", "pcap", "--out", out, "--", file)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"imported 6 events into {out}\n"
    assert json.loads(out.read_text().splitlines()[-1])["events"] == 6


def test_the_command_fails_with_one_line(tmp_path: Path, out: Path) -> None:
    file = session(tmp_path / "session.pcap")
    failed = run("capture", "pcap", file, "--out", out, path=str(tmp_path))
    assert failed.returncode == 1
    assert failed.stderr.startswith("deadheat: tshark is not installed")
    (tmp_path / "text").write_text("hello")
    failed = run("capture", "pcap", tmp_path / "text", "--out", out)
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)
    assert not out.exists()
