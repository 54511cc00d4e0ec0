"""`deadheat fault-proxy` from the shell."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.deadheat.command_line import COMMAND, deadheat, environment, one_clear_line

PATIENCE_S = 20


@contextmanager
def echoing() -> Iterator[str]:
    """Run an echo server; yield its address."""

    def serve(connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(65_536):
                connection.sendall(data)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # the listener was closed
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


class Running:
    """A fault proxy in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "fault-proxy", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self.ready = self.line()
        host, _, port = self.ready.get("listen", ":0").rpartition(":")
        self.address = (host, int(port))

    def line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line: dict[str, Any] = json.loads(self.process.stdout.readline())
        return line

    def asked(self, data: bytes) -> tuple[bytes, float]:
        """Send bytes and a FIN; return what came back, and after how many seconds."""
        with socket.create_connection(self.address, timeout=PATIENCE_S) as client:
            began_s = time.perf_counter()
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := client.recv(65_536):
                answer += piece
            return answer, time.perf_counter() - began_s

    def stop(self, how: signal.Signals) -> tuple[int, str, str]:
        """End it; return its status and what it said last on both streams."""
        self.process.send_signal(how)
        said, complained = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, said, complained

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=PATIENCE_S)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_relays_under_its_faults_until_a_signal(how: signal.Signals) -> None:
    faults = (
        *("--fault", "latency:delay_ms=80,direction=server_to_client"),
        *("--fault", "slicer:size_bytes=2"),
    )
    with echoing() as upstream, Running("--upstream", upstream, *faults) as proxy:
        assert proxy.ready["ready"] is True
        shown = "fault 1 is on: latency:delay_ms=80,direction=server_to_client"
        assert proxy.line()["event"] == shown
        assert proxy.line()["event"] == "fault 2 is on: slicer:size_bytes=2"
        answer, took_s = proxy.asked(b"abcdef")
        assert (answer, took_s >= 0.08) == (b"abcdef", True)
        status, said, complained = proxy.stop(how)
    assert status == 0
    events = [json.loads(line) for line in said.splitlines()]
    assert {event["event"] for event in events} == {
        "connection 1: fault 1 takes effect server_to_client",
        "connection 1: fault 2 takes effect client_to_server",
        "connection 1: fault 2 takes effect server_to_client",
    }
    assert complained == (
        "relayed 1 connection: 6 bytes client_to_server, 6 bytes server_to_client\n"
    )


def test_a_signal_ends_open_connections_too() -> None:
    with echoing() as upstream, Running("--upstream", upstream, "--fault", "blackhole") as proxy:
        with socket.create_connection(proxy.address, timeout=PATIENCE_S) as client:
            client.sendall(b"x")
            proxy.line()
            assert proxy.line()["event"].startswith("connection 1: fault 1 takes effect")
            assert proxy.stop(signal.SIGTERM)[0] == 0
            with contextlib.suppress(ConnectionResetError):  # as good an end
                assert client.recv(1) == b""


def test_follows_a_schedule(tmp_path: Path) -> None:
    schedule = tmp_path / "schedule.json"
    schedule.write_text(
        json.dumps(
            [
                {"at_ms": 100, "for_ms": 200, "fault": {"name": "down"}},
                {"at_ms": 400, "fault": {"name": "latency", "delay_ms": 50}},
            ]
        )
    )
    with echoing() as upstream, Running("--upstream", upstream, "--schedule", str(schedule)) as it:
        events = [it.line() for _ in range(3)]
        assert it.asked(b"x")[1] >= 0.1
    assert [event["event"] for event in events] == [
        "scheduled 1 is on: down",
        "scheduled 1 is off",
        "scheduled 2 is on: latency:delay_ms=50",
    ]
    first_ms, second_ms, third_ms = (event["at_ms"] for event in events)
    assert second_ms - first_ms >= 150
    assert third_ms - first_ms >= 250


def test_who_stops_reading_its_output_does_not_stop_it() -> None:
    with (
        echoing() as upstream,
        Running("--upstream", upstream, "--fault", "slicer:size_bytes=1") as it,
    ):
        assert it.process.stdout is not None
        it.process.stdout.close()
        assert [it.asked(b"abc")[0] for _ in range(3)] == [b"abc"] * 3
        it.process.send_signal(signal.SIGTERM)
        assert it.process.wait(PATIENCE_S) == 0
        assert it.process.stderr is not None
        assert it.process.stderr.read().startswith("relayed 3 connections: ")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--upstream", "127.0.0.1"), "--upstream is '127.0.0.1', expected HOST:PORT"),
        (("--upstream", "Example.com:80"), "allow it with --allow-host example.com"),
        (("--upstream", "127.0.0.1:1", "--listen", "x"), "--listen is 'x', expected HOST:PORT"),
        (
            ("--upstream", "127.0.0.1:1", "--listen", "203.0.113.1:0"),
            "cannot listen on 203.0.113.1",
        ),
        (("--upstream", "127.0.0.1:1", "--fault", "lag"), "fault is 'lag', expected one of"),
        (("--upstream", "127.0.0.1:1", "--schedule", "nowhere.json"), "cannot read nowhere.json"),
    ],
)
def test_bad_input_is_one_clear_line(arguments: tuple[str, ...], complaint: str) -> None:
    assert complaint in one_clear_line(deadheat("fault-proxy", *arguments))


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with echoing() as taken:
        done = deadheat("fault-proxy", "--upstream", "127.0.0.1:1", "--listen", taken)
    assert f"cannot listen on {taken}: Address already in use" in one_clear_line(done)


def test_a_host_may_be_allowed_in_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "deadheat.toml").write_text('[replay]\nallowed_hosts = ["db.example"]\n')
    arguments = ("--upstream", "db.example:80", "--fault", "lag")
    complaint = one_clear_line(deadheat("fault-proxy", *arguments, cwd=tmp_path))
    assert "fault is 'lag'" in complaint
