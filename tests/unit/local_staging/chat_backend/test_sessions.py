from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from local_staging.chat_backend.agent import Agent
from local_staging.chat_backend.sessions import Session, Sessions
from local_staging.chat_backend.transcript import TranscriptStore

GRACE_S = 0.4


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


@pytest.fixture
def timers() -> FakeTimers:
    return FakeTimers()


@pytest.fixture
def sessions(timers: FakeTimers) -> Sessions:
    store = TranscriptStore()

    def create(user_id: str) -> Session:
        transcript = store.of_user(user_id)
        return Session(user_id, transcript, Agent(transcript, asyncio.sleep))

    return Sessions(create, GRACE_S, timers)


def test_reconnect_within_the_grace_resumes(sessions: Sessions, timers: FakeTimers) -> None:
    first = sessions.join("alice")
    sessions.leave(first, accepted=True)
    timers.advance(0.39)
    assert sessions.join("alice") is first


def test_reconnect_after_the_grace_begins_anew(sessions: Sessions, timers: FakeTimers) -> None:
    first = sessions.join("alice")
    sessions.leave(first, accepted=True)
    timers.advance(GRACE_S)
    assert len(sessions) == 0
    assert sessions.join("alice") is not first


def test_session_stays_while_a_connection_is_open(sessions: Sessions, timers: FakeTimers) -> None:
    session = sessions.join("alice")
    sessions.leave(session, accepted=True)
    timers.advance(0.3)
    sessions.join("alice")
    timers.advance(10)
    assert sessions.join("alice") is session


def test_session_stays_until_the_last_of_two_left(sessions: Sessions, timers: FakeTimers) -> None:
    session = sessions.join("alice")
    sessions.join("alice")
    sessions.leave(session, accepted=True)
    timers.advance(10)
    assert len(sessions) == 1
    sessions.leave(session, accepted=True)
    timers.advance(GRACE_S)
    assert len(sessions) == 0


def test_failing_connections_do_not_prolong_a_session(
    sessions: Sessions, timers: FakeTimers
) -> None:
    sessions.leave(sessions.join("alice"), accepted=True)
    for _ in range(3):
        timers.advance(0.1)
        sessions.leave(sessions.join("alice"), accepted=False)
    timers.advance(0.1)
    assert len(sessions) == 0


def test_failing_connection_that_outlasts_the_grace(sessions: Sessions, timers: FakeTimers) -> None:
    session = sessions.join("alice")
    sessions.leave(session, accepted=True)
    timers.advance(0.3)
    sessions.join("alice")
    timers.advance(0.3)
    assert len(sessions) == 1
    sessions.leave(session, accepted=False)
    assert len(sessions) == 0


def test_session_that_was_never_used_is_released_at_once(sessions: Sessions) -> None:
    sessions.leave(sessions.join("alice"), accepted=False)
    assert len(sessions) == 0


def test_failing_connection_beside_an_open_one(sessions: Sessions, timers: FakeTimers) -> None:
    session = sessions.join("alice")
    sessions.leave(sessions.join("alice"), accepted=False)
    timers.advance(10)
    assert sessions.join("alice") is session


def test_users_have_sessions_of_their_own(sessions: Sessions, timers: FakeTimers) -> None:
    alice = sessions.join("alice")
    bob = sessions.join("bob")
    assert alice is not bob
    sessions.leave(alice, accepted=True)
    timers.advance(GRACE_S)
    assert sessions.join("bob") is bob


def test_no_grace_releases_at_once(timers: FakeTimers) -> None:
    transcript = TranscriptStore().of_user("alice")
    agent = Agent(transcript, asyncio.sleep)
    sessions = Sessions(lambda user_id: Session(user_id, transcript, agent), 0, timers)
    sessions.leave(sessions.join("alice"), accepted=True)
    assert len(sessions) == 0
