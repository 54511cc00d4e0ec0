"""A recording as a conversation: who said which values, where and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from capture.format.model import Capture, Direction, Event, UpgradeRequest, UpgradeResponse
from capture.message_kind import message_kind
from capture.messages import Message, messages
from replay.correlation.links import HEADER, PAYLOAD, URL
from replay.correlation.places import Value, Written, values_in
from replay.events import After, Kind

# What every handshake has, and no application put there.
_OF_THE_PROTOCOL = frozenset(
    "host date server upgrade connection via vary origin user-agent accept accept-encoding "
    "accept-language cache-control pragma expires keep-alive content-length content-type "
    "transfer-encoding sec-websocket-key sec-websocket-accept sec-websocket-version "
    "sec-websocket-extensions sec-fetch-dest sec-fetch-mode sec-fetch-site sec-gpc dnt".split()
)
_SWITCHING_PROTOCOLS = 101


@dataclass(frozen=True, slots=True)
class Saying:
    """A message, the URL or a header of a handshake: its values, and where it stands.

    What the server says has an `event` and what the client says has a `step`; `part` is payload,
    url, or the header. A message is the `nth` that is `called` so, and the `index`-th of all.
    """

    connection: str
    values: tuple[Value, ...]
    part: str
    event: After | None = None
    step: int = 0
    called: str = ""
    nth: int = 0
    index: int = 0

    @property
    def is_from_server(self) -> bool:
        """Whether the server said it."""
        return self.event is not None

    @property
    def header(self) -> str:
        """The name of the header that it is; empty for anything else."""
        return self.part.removeprefix(HEADER) if self.part.startswith(HEADER) else ""


def sayings(capture: Capture) -> Iterator[Saying]:
    """Yield all that was said, in its order, on all connections."""
    last_frames = {id(message.frames[-1]): message for message in messages(capture.events)}
    counts: Counter[tuple[str, Direction, str]] = Counter()
    for event in capture.events:
        message = last_frames.get(id(event))
        if message is None:
            yield from _in_handshake(event)
            continue
        called = message_kind(message)
        counts[message.connection, message.direction, called] += 1
        nth = counts[message.connection, message.direction, called]
        yield _in_message(message, called, nth)


@dataclass(frozen=True, slots=True)
class Said:
    """One value of a saying, the `order`-th saying of the recording."""

    order: int
    saying: Saying
    value: Value

    @property
    def text(self) -> str:
        """The value, as it is meant."""
        return self.value.text

    @property
    def stream(self) -> Stream:
        """The values at this place in messages of this kind, of which this is one."""
        saying = self.saying
        return Stream(saying.connection, saying.part, saying.called, self.value.place)


@dataclass(frozen=True, slots=True)
class Stream:
    """A place in the messages of one kind on one connection; without `called`, in all of them."""

    connection: str
    part: str
    called: str
    place: str

    @property
    def of_any_kind(self) -> Stream:
        """The same place, whatever the message is called."""
        return Stream(self.connection, self.part, "", self.place)


def all_said(capture: Capture) -> Iterator[Said]:
    """Yield every value that was said, in order; outer values before those within them."""
    for order, saying in enumerate(sayings(capture)):
        for value in saying.values:
            yield Said(order, saying, value)


def text_of(payload: bytes) -> str | None:
    """Return the text of a message; None for one that is none."""
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


def written_in(part: str) -> Written:
    """Return as what a part of the client's or the server's is to be read."""
    if part == PAYLOAD:
        return Written.MESSAGE
    if part == URL:
        return Written.URL
    is_cookie = part.removeprefix(HEADER) in ("cookie", "set-cookie")
    return Written.COOKIES if is_cookie else Written.HEADER


def _in_message(message: Message, called: str, nth: int) -> Saying:
    text = text_of(message.payload)
    values = () if text is None else tuple(values_in(text, Written.MESSAGE))
    if message.direction is Direction.CLIENT_TO_SERVER:
        return Saying(
            message.connection, values, PAYLOAD, None, message.index, called, nth, message.index
        )
    event = After(Kind.MESSAGE, message.connection, nth, called)
    return Saying(message.connection, values, PAYLOAD, event, 0, called, nth, message.index)


def _in_handshake(event: Event) -> Iterator[Saying]:
    if isinstance(event, UpgradeRequest):
        yield Saying(event.connection, tuple(values_in(event.url, Written.URL)), URL)
    elif not isinstance(event, UpgradeResponse) or event.status != _SWITCHING_PROTOCOLS:
        return
    opened = After(Kind.OPEN, event.connection) if isinstance(event, UpgradeResponse) else None
    for name, value in event.headers:
        if name.lower() not in _OF_THE_PROTOCOL:
            part = f"{HEADER}{name.lower()}"
            values = tuple(values_in(value, written_in(part)))
            yield Saying(event.connection, values, part, opened)
