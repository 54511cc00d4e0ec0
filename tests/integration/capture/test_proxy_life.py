"""How a recording begins and ends, also when it is killed, and what its errors leave behind."""

import asyncio
import resource
import signal
import subprocess
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from capture.clock import monotonic_ns
from capture.format.model import Frame, Note
from capture.format.reader import read_capture
from tests.integration.capture.proxied import (
    PATIENCE_S,
    Proxy,
    Upstream,
    deadheat,
    opened,
    read_all,
)
from tests.unit.capture.wire import TEXT, client

KEPT_BEFORE_A_KILL_NS = 100_000_000


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "x.jsonl"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("open_connections", [0, 2])
def test_a_signal_ends_it_well(out: Path, how: signal.Signals, open_connections: int) -> None:
    with Upstream() as upstream, Proxy(upstream.url, out) as proxy:
        ends = [opened(proxy, upstream) for _ in range(open_connections)]
        status, said = proxy.stop(how)
        for one, other in ends:
            assert read_all(one) == b""
            one.close()
            other.close()
    capture = read_capture(out)
    assert (status, capture.problem) == (0, "")
    assert said == f"recorded {len(capture.events)} events in {out}\n"
    notes = [event.text for event in capture.events if isinstance(event, Note)]
    stopped = "the recording was stopped while this connection was open"
    assert notes == [stopped] * open_connections


def test_what_was_held_back_is_written_in_the_end(out: Path) -> None:
    with Upstream() as upstream, Proxy(upstream.url, out) as proxy:
        one, other = opened(proxy, upstream)
        one.sendall(client(TEXT, b"unfinished", fin=False))
        assert other.recv(100)
        events = proxy.capture().events
        one.close()
        other.close()
    assert [event.text for event in events if isinstance(event, Frame)] == ["unfinished"]


async def test_a_killed_recorder_loses_at_most_100_ms(out: Path) -> None:
    sent_at_ns: list[int] = []

    async def swallow(connection: ServerConnection) -> None:
        async for _ in connection:
            pass

    async def send_steadily(url: str) -> None:
        async with connect(url, proxy=None) as connection:
            while True:
                number = len(sent_at_ns)
                await connection.send(f"message {number}")
                sent_at_ns.append(monotonic_ns())
                await asyncio.sleep(0.002)

    async with serve(swallow, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with Proxy(f"ws://127.0.0.1:{port}", out) as proxy:
            sending = asyncio.create_task(send_steadily(proxy.url))
            await asyncio.sleep(0.8)
            killed_at_ns = monotonic_ns()
            proxy.stop(signal.SIGKILL)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
    capture = read_capture(out)
    assert "its recorder was killed" in capture.problem
    recorded = [event.text for event in capture.events if isinstance(event, Frame)]
    due = [at for at in sent_at_ns if at < killed_at_ns - KEPT_BEFORE_A_KILL_NS]
    assert len(due) > 50
    assert recorded[: len(due)] == [f"message {number}" for number in range(len(due))]


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command that failed said, which must be one line."""
    assert done.returncode != 0
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_a_port_that_is_taken_is_one_clear_line(out: Path) -> None:
    with Upstream() as taken:
        address = f"127.0.0.1:{taken.port}"
        done = deadheat(
            *("capture", "proxy", "--upstream", "ws://127.0.0.1:9"),
            *("--listen", address, "--out", out),
        )
    assert f"cannot listen on {address}: Address already in use" in one_line(done)
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--upstream", "http://127.0.0.1:9"], "expected ws://host:port"),
        (["--upstream", "ws://127.0.0.1:port"], "expected ws://host:port"),
        (["--upstream", "ws://127.0.0.1:9", "--listen", "nowhere"], "expected HOST:PORT"),
        (["--upstream", "ws://127.0.0.1:9", "--listen", "127.0.0.1:70000"], "up to 65535"),
        (["--upstream", "ws://127.0.0.1:9", "--listen", "203.0.113.1:0"], "cannot listen on"),
        (["--upstream", "wss://127.0.0.1:9", "--ca-file", "absent.pem"], "as an authority"),
    ],
)
def test_a_bad_argument_is_one_clear_line(out: Path, arguments: list[str], expected: str) -> None:
    assert expected in one_line(deadheat("capture", "proxy", *arguments, "--out", out))
    assert not out.exists()


def test_a_path_that_cannot_be_written_is_one_clear_line(out: Path) -> None:
    absent = out / "absent" / "x.jsonl"
    done = deadheat("capture", "proxy", "--upstream", "ws://127.0.0.1:9", "--out", absent)
    assert f"cannot write {absent}" in one_line(done)
    assert not out.exists()


def test_a_file_that_exists_is_left_alone_unless_asked(out: Path) -> None:
    out.write_text("precious\n")
    done = deadheat("capture", "proxy", "--upstream", "ws://127.0.0.1:9", "--out", out)
    assert "pass --overwrite" in one_line(done)
    assert out.read_text() == "precious\n"
    with Proxy("ws://127.0.0.1:9", out, "--overwrite") as proxy:
        assert proxy.capture().events == ()


def test_a_disk_that_fills_up_ends_it_aloud_and_keeps_what_was_written(out: Path) -> None:
    with Upstream() as upstream, Proxy(upstream.url, out) as proxy:
        one, other = opened(proxy, upstream)
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))
        one.sendall(client(TEXT, b"x" * 1000) * 30)
        _, said = proxy.process.communicate(timeout=PATIENCE_S)
        assert proxy.process.returncode == 1
        one.close()
        other.close()
    (line,) = said.splitlines()
    assert line == f"deadheat: cannot write {out}: File too large"
    assert out.stat().st_size == 20_000
    capture = read_capture(out)
    assert len([event for event in capture.events if isinstance(event, Frame)]) >= 14
    assert "is cut off" in capture.problem
