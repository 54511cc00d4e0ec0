"""Protocols whose client has to hear an answer before it may speak on.

A client that does not wait breaks its protocol, and a server that ends it is right: so no plan has
a client do so that waited when it was recorded. Sources: the protocols' own descriptions (engine.io
4, socket.io 5, graphql-transport-ws, STOMP 1.2, WAMP 2, SignalR's hub protocol, SockJS, Action
Cable, DDP).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from capture.format.model import Direction
from capture.messages import Message


@dataclass(frozen=True, slots=True)
class Opening:
    """The client's messages that are `held` until the server's `answer` has come."""

    protocol: str
    held: re.Pattern[str]
    answer: re.Pattern[str]


def _field(name: str, values: str) -> str:
    return rf'\{{[^{{]*"{name}"\s*:\s*"(?:{values})"'


OPENINGS = (
    Opening("engine.io", re.compile(r"[1-6]"), re.compile(r'0\{.*"sid"')),
    Opening("socket.io", re.compile(r"4[2356][\[/\d-]"), re.compile(r"40(?:[{/]|$)")),
    Opening(
        "graphql-transport-ws",
        re.compile(_field("type", "subscribe|complete|start|stop")),
        re.compile(_field("type", "connection_ack")),
    ),
    Opening(
        "STOMP",
        re.compile(r"(?:SEND|SUBSCRIBE|UNSUBSCRIBE|BEGIN|COMMIT|ABORT|ACK|NACK|DISCONNECT)\r?\n"),
        re.compile(r"CONNECTED\r?\n"),
    ),
    Opening(
        "WAMP", re.compile(r"\[\s*(?:8|16|32|33|34|48|64|66|70)\s*,"), re.compile(r"\[\s*2\s*,")
    ),
    Opening(
        "SignalR", re.compile(r'\{.*"type"\s*:\s*\d.*\x1e', re.DOTALL), re.compile(r"\{\}\x1e")
    ),
    Opening("SockJS", re.compile(r"\["), re.compile(r"o$")),
    Opening(
        "Action Cable",
        re.compile(_field("command", "subscribe")),
        re.compile(_field("type", "welcome")),
    ),
    Opening(
        "Action Cable",
        re.compile(_field("command", "message")),
        re.compile(r'\{.*"type"\s*:\s*"confirm_subscription"'),
    ),
    Opening(
        "DDP",
        re.compile(_field("msg", "sub|unsub|method|ping")),
        re.compile(_field("msg", "connected")),
    ),
)


def held_back(spoken: Sequence[Message]) -> Iterator[tuple[int, int]]:
    """Yield which message of the client waits for which of the server, each by its own count.

    The client's are counted from 0, the server's from 1. `spoken` are those of one connection.
    """
    sent, heard = 0, 0
    answered: dict[Opening, int] = {}
    for message in spoken:
        if message.direction is Direction.SERVER_TO_CLIENT:
            heard += 1
            for opening in OPENINGS:
                if message.is_text and opening.answer.match(message.text):
                    answered.setdefault(opening, heard)
            continue
        for opening, number in answered.items():
            if message.is_text and opening.held.match(message.text):
                yield sent, number
        sent += 1
