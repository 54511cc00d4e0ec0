"""The cases: which package, which versions, which server and which client."""

from __future__ import annotations

from benchmarks.real_bugs.case import Build, Case, Runtime
from benchmarks.real_bugs.clients import (
    asker,
    customer,
    member,
    socket_io_writer,
    uploader,
    viewer,
    writer,
)

OLD = ("starlette==0.21.0", "websockets==10.4")
NEW = ("starlette==1.10.0", "websockets==16.0")

WSPROTO = "wsproto==1.3.2"


def _uvicorn(version: str, *others: str) -> tuple[str, ...]:
    return (f"uvicorn=={version}", *others)


def _serve(app: str, *options: str) -> tuple[str, ...]:
    return ("-m", "uvicorn", app, "--host", "127.0.0.1", "--port", "{port}", *options)


SANSIO = ("--ws", "websockets-sansio")
ON_WSPROTO = ("--ws", "wsproto")
LEGACY = ("--ws", "websockets")
PINGS = ("--ws-ping-interval", "0.5", "--ws-ping-timeout", "0.5")

CASES = (
    Case(
        "uvicorn_gone_before_accept",
        "uvicorn",
        "The client leaves while the application still decides; accept() then raises.",
        member,
        r"got 'websocket\.accept'",
        r"got 'websocket\.accept'",
        (
            Build("0.52.0", True, _uvicorn("0.52.0", *NEW), _serve("room:app", *SANSIO)),
            Build("0.52.1", False, _uvicorn("0.52.1", *NEW), _serve("room:app", *SANSIO)),
        ),
        path="/room",
    ),
    Case(
        "uvicorn_gone_before_accept_wsproto",
        "uvicorn",
        "The same in the wsproto implementation.",
        member,
        r"got 'websocket\.accept'",
        r"got 'websocket\.accept'",
        (
            Build(
                "0.52.0", True, _uvicorn("0.52.0", *NEW, WSPROTO), _serve("room:app", *ON_WSPROTO)
            ),
            Build(
                "0.52.1", False, _uvicorn("0.52.1", *NEW, WSPROTO), _serve("room:app", *ON_WSPROTO)
            ),
        ),
        path="/room",
    ),
    Case(
        "uvicorn_type_error",
        "uvicorn",
        "The client leaves while the application still decides; receive() then raises.",
        member,
        # asyncio.wait() is handed None; what it says to that depends on the version of Python.
        r"TypeError: An asyncio\.Future|AttributeError: 'NoneType' object",
        r"TypeError: An asyncio\.Future|AttributeError: 'NoneType' object",
        (
            Build("0.19.0", True, _uvicorn("0.19.0", *OLD), _serve("room:app", *LEGACY)),
            Build("0.20.0", False, _uvicorn("0.20.0", *OLD), _serve("room:app", *LEGACY)),
        ),
        path="/room",
    ),
    Case(
        "uvicorn_pong_starvation",
        "uvicorn",
        "One unread message stops uvicorn from reading pongs: a healthy client is closed, 1011.",
        asker,
        r"1011",
        r"<- close 1011 keepalive ping timeout",
        (
            Build(
                "0.54.0", True, _uvicorn("0.54.0", *NEW), _serve("assistant:app", *SANSIO, *PINGS)
            ),
            Build(
                "0.54.0 --ws websockets",
                False,
                _uvicorn("0.54.0", *NEW),
                _serve("assistant:app", *LEGACY, *PINGS),
                "no fixed version is known; the older implementation queues 32 messages",
            ),
        ),
        path="/chat",
    ),
    Case(
        "aiohttp_heartbeat",
        "aiohttp",
        "Pongs count only inside receive(): who only sends for 1.5 heartbeats is cut.",
        viewer,
        r"c1 ended by the server",
        r"watcher left: Cannot write to closing transport",
        (
            Build("3.13.5", True, ("aiohttp==3.13.5",), ("-m", "render", "{port}")),
            Build("3.14.0", False, ("aiohttp==3.14.0",), ("-m", "render", "{port}")),
        ),
    ),
    Case(
        "aiohttp_heartbeat_paused",
        "aiohttp",
        "More than 512 KiB unread stop aiohttp from reading pongs: a healthy client is cut.",
        uploader,
        r"c1 ended by the server",
        r"client left: Cannot write to closing transport",
        (
            Build("3.14.5", True, ("aiohttp==3.14.5",), ("-m", "studio", "{port}", "in-turn")),
            Build(
                "3.14.5, reading along",
                False,
                ("aiohttp==3.14.5",),
                ("-m", "studio", "{port}", "along"),
                "no fixed version is known; this handler reads in a task of its own",
            ),
        ),
    ),
    Case(
        "aiohttp_gone_before_prepare",
        "aiohttp",
        "The client leaves before the handler calls prepare(), which then fails an assertion.",
        member,
        r"AssertionError|Error handling request",
        r"AssertionError",
        (
            Build("3.13.5", True, ("aiohttp==3.13.5",), ("-m", "door", "{port}")),
            Build("3.14.0", False, ("aiohttp==3.14.0",), ("-m", "door", "{port}")),
        ),
        path="/room",
    ),
    Case(
        "ws_late_listener",
        "ws",
        "A message that comes while the handler awaits, before it listens, is lost.",
        writer,
        r"missing: .*stored",
        r"waited in vain for c1 message 1: type=stored",
        (
            Build("8.23.0, late", True, ("ws@8.23.0",), ("notes.cjs", "{port}", "late")),
            Build("8.23.0, at once", False, ("ws@8.23.0",), ("notes.cjs", "{port}", "at-once")),
        ),
        runtime=Runtime.NODE,
    ),
    Case(
        "socketio_late_listener",
        "socket.io",
        "The same in Socket.IO: an event that comes before its listener is lost.",
        socket_io_writer,
        r"missing: .*stored",
        r"waited in vain for c1 message 1: 42\[stored\]",
        (
            Build("4.8.4, late", True, ("socket.io@4.8.4",), ("notes_io.cjs", "{port}", "late")),
            Build(
                "4.8.4, at once", False, ("socket.io@4.8.4",), ("notes_io.cjs", "{port}", "at-once")
            ),
        ),
        runtime=Runtime.NODE,
        path="/socket.io/",
    ),
    Case(
        "starlette_accept_error",
        "starlette",
        "A reply that meets a client that is gone; the next receive says that accept is missing.",
        customer,
        r'Need to call "accept" first',
        r'Need to call "accept" first',
        (
            Build("1.10.0", True, _uvicorn("0.54.0", *NEW), _serve("desk:app")),
            Build(
                "1.10.0, careful handler",
                False,
                _uvicorn("0.54.0", *NEW),
                _serve("desk:careful"),
                "the message is by design; the handler lets WebSocketDisconnect through",
            ),
        ),
        path="/desk",
    ),
)
