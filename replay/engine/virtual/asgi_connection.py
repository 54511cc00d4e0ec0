"""The server's end of a connection: hands an application what ASGI says, and takes what it says.

It does as uvicorn's `WebSocketsSansIOProtocol` does (0.54), down to what is logged and raised:
states, close codes, and that one message waits to be received before the next one is read. What
bytes alone can do has no place here: pings, compression, a client that does not read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from uvicorn.protocols.utils import (
    ClientDisconnected,
    get_client_addr,
    get_path_with_query_string,
)
from websockets.frames import Close
from websockets.utils import accept_key

from capture.format.model import HeaderPairs
from replay.engine.handshake import values_of
from replay.engine.virtual.event_queue import EventQueue
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.message_pipe import (
    Answered,
    Asked,
    CloseFrame,
    Message,
    PipeEnd,
    Said,
)
from replay.engine.virtual.served import Address, Served

LOG = logging.getLogger("uvicorn.error")
# Clients of a direct run all have one key.
_accept_key = lru_cache(maxsize=16)(accept_key)
CLOSE_TIMEOUT_S = 10.0
NO_STATUS, ABNORMAL, RESTARTS = 1005, 1006, 1012
SWITCHING_PROTOCOLS = 101


class AsgiConnection(PipeEnd):
    """One connection of an application that is up; `client` is the address it sees."""

    def __init__(self, served: Served, client: Address, loop: VirtualLoop, latency_ns: int) -> None:
        super().__init__(loop, latency_ns)
        self._served = served
        self._client = client
        self._queue = EventQueue(loop)
        self._scope: dict[str, Any] = {}
        self._response: HeaderPairs = ()
        self._denial: tuple[int, HeaderPairs, bytes] | None = None
        self._is_answered = False
        self._is_open = False
        self._has_closed = False
        self._close_timer: asyncio.TimerHandle | None = None
        served.ends.append(self)
        served.state.connections.add(self)  # type: ignore[arg-type]

    def hear(self, said: Said) -> None:
        """Have the application run, or receive."""
        match said:
            case Message():
                self._receive_soon(said)
            case Asked():
                self._begin(said)
            case CloseFrame():
                self._is_left(said)

    def hear_end(self) -> None:
        """The application hears of it with the loss of the connection."""

    def lose(self, *, was_reset: bool) -> None:
        """Tell the application; uvicorn has 1005 for all that ends without a Close frame."""
        code = NO_STATUS if self._is_answered else ABNORMAL
        self._queue.put({"type": "websocket.disconnect", "code": code})
        self._served.state.connections.discard(self)
        self._is_answered = True
        self._stop_close_timer()

    def shutdown(self) -> None:
        """Tell the application that the server goes down."""
        if self._has_closed:
            self._stop_close_timer()
        elif self._is_answered:
            self._queue.put({"type": "websocket.disconnect", "code": RESTARTS})
            if self._is_open:
                self.say(CloseFrame(Close(RESTARTS, "").serialize()))
        else:
            self._fail()
        self.close()

    def _begin(self, asked: Asked) -> None:
        config = self._served.config
        raw_path, _, query = asked.target.partition("?")
        headers = [
            (name.lower().encode("ascii"), value.encode("latin-1")) for name, value in asked.headers
        ]
        key = next((value for name, value in asked.headers if name == "Sec-WebSocket-Key"), "")
        self._response = (
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", _accept_key(key)),
        )
        self._scope = {
            "type": "websocket",
            "asgi": {"version": config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "server": self._served.address,
            "client": self._client,
            "root_path": config.root_path,
            "path": config.root_path + unquote(raw_path),
            "raw_path": (config.root_path + raw_path).encode("ascii"),
            "query_string": query.encode("ascii"),
            "headers": headers,
            "subprotocols": values_of(asked.headers, "Sec-WebSocket-Protocol"),
            "state": self._served.app_state.copy(),
            "extensions": {"websocket.http.response": {}},
        }
        self._queue.put({"type": "websocket.connect"})
        task = self._loop.create_task(self._run())
        self._served.state.tasks.add(task)
        task.add_done_callback(self._served.state.tasks.discard)

    async def _run(self) -> None:
        try:
            result = await self._served.config.loaded_app(self._scope, self._receive, self._send)
        except ClientDisconnected:
            pass
        except BaseException:
            LOG.exception("Exception in ASGI application\n")
            self._fail()
        else:
            if not self._is_answered:
                LOG.error("ASGI callable returned without completing handshake.")
                self._fail()
            elif result is not None:
                LOG.error("ASGI callable should return None, but returned '%s'.", result)
        if self._close_timer is None:
            self.close()

    def _fail(self) -> None:
        if self._denial is None and not self._is_answered:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, b"Internal Server Error")

    def _refuse(self, status: HTTPStatus, body: bytes) -> None:
        headers = (
            ("Connection", "close"),
            ("Content-Length", str(len(body))),
            ("Content-Type", "text/plain; charset=utf-8"),
        )
        self._reject(status, headers, body)

    def _reject(self, status: int, headers: HeaderPairs, body: bytes) -> None:
        reason = _phrase(status)
        self.say(Answered(status, reason, headers, body))
        LOG.info("connection rejected (%d %s)", status, reason)

    def _receive_soon(self, message: Message) -> None:
        if self._has_closed:
            return
        event: dict[str, Any] = {"type": "websocket.receive"}
        if message.is_text:
            event["text"] = message.payload.decode()
        else:
            event["bytes"] = message.payload
        self._queue.put(event)
        self.pause_reading()

    def _is_left(self, close: CloseFrame) -> None:
        self._is_open = False
        if self._has_closed:
            # The client answered our Close.
            if self._close_timer is not None:
                self._stop_close_timer()
                self.close()
            return
        parsed = Close.parse(close.payload)
        self._queue.put(
            {"type": "websocket.disconnect", "code": int(parsed.code), "reason": parsed.reason}
        )
        self.say(close)
        self.close()

    async def _receive(self) -> dict[str, Any]:
        event = await self._queue.get()
        if not self._queue:
            self.resume_reading()
        return event

    async def _send(self, event: dict[str, Any]) -> None:
        if self.is_lost:
            raise ClientDisconnected
        if self._denial is not None:
            self._deny_on(self._denial, event)
        elif not self._is_answered:
            self._answer(event)
        elif not self._has_closed:
            self._say(event)
        else:
            raise RuntimeError(
                f"Unexpected ASGI message '{event['type']}', after sending 'websocket.close'."
            )

    def _answer(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "websocket.accept":
                self._accept(event)
            case "websocket.close":
                self._queue.put({"type": "websocket.disconnect", "code": ABNORMAL})
                self._log_answer("403")
                self._refuse(HTTPStatus.FORBIDDEN, b"")
                self._has_closed = self._is_answered = True
                self.close()
            case "websocket.http.response.start":
                status = event["status"]
                if not 100 <= status < 600:
                    raise RuntimeError(f"Invalid HTTP status code '{status}' in response.")
                self._log_answer(str(status))
                self._denial = (status, _decoded(event.get("headers", ())), b"")
            case other:
                raise RuntimeError(
                    "Expected ASGI message 'websocket.accept', 'websocket.close' "
                    f"or 'websocket.http.response.start' but got '{other}'."
                )

    def _accept(self, event: dict[str, Any]) -> None:
        self._log_answer("[accepted]")
        headers = [
            *_decoded(self._served.state.default_headers, lower=True),
            *_decoded(event.get("headers", ()), lower=True),
        ]
        if subprotocol := event.get("subprotocol"):
            headers.append(("Sec-WebSocket-Protocol", subprotocol))
        if not self.is_closing:
            self._is_answered = self._is_open = True
            reason = _phrase(SWITCHING_PROTOCOLS)
            self.say(Answered(SWITCHING_PROTOCOLS, reason, (*self._response, *headers)))
            LOG.info("connection open")

    def _log_answer(self, what: str) -> None:
        if LOG.isEnabledFor(logging.INFO):
            scope: Any = self._scope
            asked = get_path_with_query_string(scope)
            LOG.info('%s - "WebSocket %s" %s', get_client_addr(scope), asked, what)

    def _deny_on(self, denial: tuple[int, HeaderPairs, bytes], event: dict[str, Any]) -> None:
        if event["type"] != "websocket.http.response.body":
            raise RuntimeError(
                f"Expected ASGI message 'websocket.http.response.body' but got '{event['type']}'."
            )
        status, headers, body = denial
        body += event["body"]
        self._denial = (status, headers, body)
        if event.get("more_body", False):
            return
        self._queue.put({"type": "websocket.disconnect", "code": ABNORMAL})
        given = {name.lower() for name, _ in headers}
        defaults = (
            ("Connection", "close"),
            ("Content-Length", str(len(body))),
            ("Content-Type", "text/plain; charset=utf-8"),
        )
        added = tuple(pair for pair in defaults if pair[0].lower() not in given)
        self._reject(status, (*headers, *added), body)
        self._has_closed = True
        self.close()

    def _say(self, event: dict[str, Any]) -> None:
        if event["type"] == "websocket.send":
            data, text = event.get("bytes"), event.get("text")
            if data is not None:
                message = Message(bytes(data), is_text=False)
            elif text is not None:
                message = Message(text.encode(), is_text=True)
            else:
                return
            if not self._is_open:
                raise ClientDisconnected
            self.say(message)
        elif event["type"] == "websocket.close":
            self._leave(event)
        else:
            raise RuntimeError(
                "Expected ASGI message 'websocket.send' or 'websocket.close', "
                f"but got '{event['type']}'."
            )

    def _leave(self, event: dict[str, Any]) -> None:
        if self.is_closing:
            return
        code, reason = event.get("code", 1000), event.get("reason", "") or ""
        self._queue.put({"type": "websocket.disconnect", "code": code, "reason": reason})
        if not self._is_open:
            raise ClientDisconnected
        self.say(
            CloseFrame(b"" if code is None and not reason else Close(code, reason).serialize())
        )
        self._is_open = False
        self._has_closed = True
        self.resume_reading()
        self._close_timer = self._loop.call_later(CLOSE_TIMEOUT_S, self.close)

    def _stop_close_timer(self) -> None:
        if self._close_timer is not None:
            self._close_timer.cancel()
            self._close_timer = None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _decoded(headers: Iterable[tuple[bytes, bytes]], *, lower: bool = False) -> HeaderPairs:
    decoded = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    return tuple((name.lower() if lower else name, value) for name, value in decoded)
