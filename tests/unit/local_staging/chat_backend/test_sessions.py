from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from local_staging.chat_backend.agent import Agent
from local_staging.chat_backend.sessions import Session, Sessions
from local_staging.chat_backend.storage import UserStorage
from local_staging.tokens import Claims
from tests.unit.local_staging.chat_backend.rules_model import rules_model

GRACE_S = 0.4
ALICE = Claims("alice", "Alice", "1", 0, 1)
BOB = Claims("bob", "Bob", "2", 0, 1)


class FakeTimer:
    """One call of FakeTimers."""

    def __init__(self, at_s: float, callback: Callable[[], object]) -> None:
        self.at_s = at_s
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeTimers:
    """A loop's clock that moves when told to."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.pending: list[FakeTimer] = []

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay: float, callback: Callable[[], object]) -> FakeTimer:
        timer = FakeTimer(self.now_s + delay, callback)
        self.pending.append(timer)
        return timer

    def advance(self, by_s: float) -> None:
        self.now_s += by_s
        due = [timer for timer in self.pending if timer.at_s <= self.now_s + 1e-9]
        self.pending = [timer for timer in self.pending if timer not in due]
        for timer in due:
            if not timer.cancelled:
                timer.callback()


def session_of(user: Claims) -> Session:
    storage = UserStorage()
    return Session(user.user_id, storage, Agent(storage.transcript, rules_model(), asyncio.sleep))


@pytest.fixture
def timers() -> FakeTimers:
    return FakeTimers()


@pytest.fixture
def sessions(timers: FakeTimers) -> Sessions:
    return Sessions(session_of, GRACE_S, timers)


def test_reconnect_within_the_grace_resumes(sessions: Sessions, timers: FakeTimers) -> None:
    first = sessions.join(ALICE)
    sessions.leave(first, accepted=True)
    timers.advance(0.39)
    assert sessions.join(ALICE) is first


def test_reconnect_after_the_grace_begins_anew(sessions: Sessions, timers: FakeTimers) -> None:
    first = sessions.join(ALICE)
    sessions.leave(first, accepted=True)
    timers.advance(GRACE_S)
    assert len(sessions) == 0
    assert sessions.join(ALICE) is not first


def test_session_stays_while_a_connection_is_open(sessions: Sessions, timers: FakeTimers) -> None:
    session = sessions.join(ALICE)
    sessions.leave(session, accepted=True)
    timers.advance(0.3)
    sessions.join(ALICE)
    timers.advance(10)
    assert sessions.join(ALICE) is session


def test_session_stays_until_the_last_of_two_left(sessions: Sessions, timers: FakeTimers) -> None:
    session = sessions.join(ALICE)
    sessions.join(ALICE)
    sessions.leave(session, accepted=True)
    timers.advance(10)
    assert len(sessions) == 1
    sessions.leave(session, accepted=True)
    timers.advance(GRACE_S)
    assert len(sessions) == 0


def test_failing_connections_do_not_prolong_a_session(
    sessions: Sessions, timers: FakeTimers
) -> None:
    sessions.leave(sessions.join(ALICE), accepted=True)
    for _ in range(3):
        timers.advance(0.1)
        sessions.leave(sessions.join(ALICE), accepted=False)
    timers.advance(0.1)
    assert len(sessions) == 0


def test_failing_connection_that_outlasts_the_grace(sessions: Sessions, timers: FakeTimers) -> None:
    session = sessions.join(ALICE)
    sessions.leave(session, accepted=True)
    timers.advance(0.3)
    sessions.join(ALICE)
    timers.advance(0.3)
    assert len(sessions) == 1
    sessions.leave(session, accepted=False)
    assert len(sessions) == 0


def test_session_that_was_never_used_is_released_at_once(sessions: Sessions) -> None:
    sessions.leave(sessions.join(ALICE), accepted=False)
    assert len(sessions) == 0


def test_failing_connection_beside_an_open_one(sessions: Sessions, timers: FakeTimers) -> None:
    session = sessions.join(ALICE)
    sessions.leave(sessions.join(ALICE), accepted=False)
    timers.advance(10)
    assert sessions.join(ALICE) is session


def test_users_have_sessions_of_their_own(sessions: Sessions, timers: FakeTimers) -> None:
    alice = sessions.join(ALICE)
    bob = sessions.join(BOB)
    assert alice is not bob
    sessions.leave(alice, accepted=True)
    timers.advance(GRACE_S)
    assert sessions.join(BOB) is bob


def test_no_grace_releases_at_once(timers: FakeTimers) -> None:
    sessions = Sessions(session_of, 0, timers)
    sessions.leave(sessions.join(ALICE), accepted=True)
    assert len(sessions) == 0


async def test_what_was_asked_for_is_finished_before_the_session_ends(
    sessions: Sessions, timers: FakeTimers
) -> None:
    done = asyncio.Event()

    async def work() -> None:
        await done.wait()

    session = sessions.join(ALICE)
    working = asyncio.create_task(session.work(work()))
    await asyncio.sleep(0)
    sessions.leave(session, accepted=True)
    timers.advance(GRACE_S)
    assert sessions.of_user("alice") is session
    assert not await sessions.drained(0.001)
    done.set()
    assert await sessions.drained(10)
    await working
    timers.advance(10)
    assert sessions.of_user("alice") is None
