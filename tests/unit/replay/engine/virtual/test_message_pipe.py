"""Two ends of a connection end it as those of TCP do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.message_pipe import Message, PipeEnd, Said

LATENCY_NS = 1_000_000
Told = list[tuple[int, str, str]]


class End(PipeEnd):
    """Writes down what it hears, and when in microseconds."""

    def __init__(self, name: str, loop: VirtualLoop, told: Told) -> None:
        super().__init__(loop, LATENCY_NS)
        self.name = name
        self.told = told

    def tell(self, what: str) -> None:
        self.told.append((round(self._loop.now_ns / 1_000), self.name, what))

    def hear(self, said: Said) -> None:
        assert isinstance(said, Message)
        self.tell(said.payload.decode())

    def hear_end(self) -> None:
        self.tell("end")

    def lose(self, *, was_reset: bool) -> None:
        self.tell("reset" if was_reset else "lost")


def word(text: str) -> Message:
    return Message(text.encode(), is_text=True)


def played(*acts: tuple[int, Callable[[End, End], None]]) -> Told:
    """What both ends hear when these are done at these times, in milliseconds."""
    told: Told = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.begin_anew()
        client, server = End("client", loop, told), End("server", loop, told)
        client.meet(server)
        for at_ms, act in acts:
            loop.at(at_ms * 1_000_000, act, client, server)
        await asyncio.sleep(1)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    return told


def test_what_is_said_arrives_in_order_a_latency_later() -> None:
    def talk(client: End, server: End) -> None:
        client.say(word("one"))
        client.say(word("two"))

    assert played((10, talk)) == [(11_000, "server", "one"), (11_000, "server", "two")]


def test_a_close_ends_both_ends_and_what_was_said_arrives() -> None:
    def leave(client: End, server: End) -> None:
        client.say(word("bye"))
        client.close()
        client.say(word("too late"))

    assert played((10, leave)) == [
        (10_000, "client", "lost"),
        (11_000, "server", "bye"),
        (11_000, "server", "end"),
        (11_000, "server", "lost"),
    ]


def test_a_half_close_ends_one_direction() -> None:
    told = played(
        (10, lambda client, server: client.say_end()),
        (10, lambda client, server: client.say(word("too late"))),
        (10, lambda client, server: server.say(word("news"))),
    )
    assert told[:2] == [(11_000, "server", "end"), (11_000, "client", "news")]


def test_a_reset_takes_what_waits_along() -> None:
    told = played(
        (10, lambda client, server: server.pause_reading()),
        (10, lambda client, server: client.say(word("unread"))),
        (20, lambda client, server: client.abort(resets=True)),
        (30, lambda client, server: server.resume_reading()),
    )
    assert told == [(20_000, "client", "lost"), (21_000, "server", "reset")]


def test_who_does_not_read_has_the_rest_wait_and_the_end_too() -> None:
    told = played(
        (10, lambda client, server: server.pause_reading()),
        (10, lambda client, server: client.say(word("one"))),
        (10, lambda client, server: client.close()),
        (50, lambda client, server: server.resume_reading()),
    )
    assert [each for each in told if each[1] == "server"] == [
        (50_000, "server", "one"),
        (50_000, "server", "end"),
        (50_000, "server", "lost"),
    ]


def test_who_is_gone_answers_with_a_reset() -> None:
    told = played(
        (10, lambda client, server: server.pause_reading()),
        (10, lambda client, server: client.close()),
        (20, lambda client, server: server.say(word("are you there"))),
    )
    assert told == [(10_000, "client", "lost"), (22_000, "server", "reset")]


@pytest.mark.parametrize("resets", [True, False])
def test_an_end_is_told_of_its_loss_once(resets: bool) -> None:
    def leave(client: End, server: End) -> None:
        client.abort(resets=resets)
        client.abort(resets=resets)
        client.close()

    told = played((10, leave))
    assert [what for _, name, what in told if name == "client"] == ["lost"]
