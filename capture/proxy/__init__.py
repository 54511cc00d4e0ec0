"""The recording proxy: `record` serves until it is told to stop, and leaves a capture."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from capture.clock import NowNs, monotonic_ns, wall_time
from capture.errors import CaptureError, ListenRefused
from capture.format.model import FORMAT, VERSION, Header, Vantage
from capture.format.writer import CaptureWriter
from capture.proxy.copy_queue import CopyQueue
from capture.proxy.relay import RecordingProxy
from capture.proxy.upstream import Upstream
from capture.recorder import Recorder
from capture.redaction import Redactor

__all__ = ["ProxySettings", "Upstream", "record"]


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """What the person asked for."""

    upstream: Upstream
    host: str
    port: int
    out: Path
    keep_secrets: bool = False
    overwrite: bool = False


async def record(
    settings: ProxySettings, ready: Callable[[str], None], now_ns: NowNs = monotonic_ns
) -> int:
    """Serve until SIGINT or SIGTERM; return the number of events recorded.

    `ready` is called with the ws:// address once clients can connect. Raises CaptureError,
    ListenRefused, UnwritableOutput.
    """
    # What can be wrong is tried before the file is made.
    tls = settings.upstream.tls()
    sockets = _listening(settings.host, settings.port)
    started_ns = now_ns()
    try:
        writer = CaptureWriter(settings.out, _header(settings), overwrite=settings.overwrite)
    except CaptureError:
        sockets.close()
        raise

    def since_start_ns() -> int:
        return now_ns() - started_ns

    failed = asyncio.get_running_loop().create_future()
    copy = CopyQueue(writer, since_start_ns, failed)
    recorder = Recorder(writer.write, None if settings.keep_secrets else Redactor())
    proxy = RecordingProxy(settings.upstream, tls, recorder, copy, since_start_ns)
    with writer:
        await _serve(proxy, sockets, failed, ready)
    return writer.events


async def _serve(
    proxy: RecordingProxy,
    sockets: socket.socket,
    failed: asyncio.Future[None],
    ready: Callable[[str], None],
) -> None:
    """Serve until a signal, or until the recording failed; then raise why."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(proxy.accept, sock=sockets)
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    failed.add_done_callback(lambda _: stopped.set())
    ready("ws://" + _authority(sockets))
    await stopped.wait()
    server.close()
    proxy.stop()
    if failed.done():
        failed.result()


def _header(settings: ProxySettings) -> Header:
    return Header(
        format=FORMAT,
        version=VERSION,
        vantage=Vantage.EDGE,
        started_at=wall_time(),
        recorder="deadheat proxy",
        secrets_kept=settings.keep_secrets,
        about={"upstream": settings.upstream.origin},
    )


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ListenRefused(
            f"cannot listen on {host}:{port}: {reason}; name another with --listen HOST:PORT"
        ) from error


def _authority(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
