from __future__ import annotations

import asyncio

import pytest

from local_staging.chat_backend.agent import Agent
from local_staging.chat_backend.builds import Fixed, Incident, build_named
from local_staging.chat_backend.sessions import Session
from local_staging.chat_backend.transcript import TranscriptStore
from local_staging.errors import StagingError


@pytest.fixture
def session() -> Session:
    transcript = TranscriptStore().of_user("alice")
    return Session("alice", transcript, Agent(transcript, asyncio.sleep))


def test_incident_shares_one_event_between_connections(session: Session) -> None:
    first, second = (Incident().handshake_complete(session) for _ in range(2))
    first.set()
    assert second.is_set()


def test_fixed_gives_each_connection_its_own_event(session: Session) -> None:
    first, second = (Fixed().handshake_complete(session) for _ in range(2))
    first.set()
    assert not second.is_set()


@pytest.mark.parametrize("name", ["incident", "fixed"])
def test_builds_are_found_by_name(name: str) -> None:
    assert build_named(name).name == name


def test_unknown_build() -> None:
    with pytest.raises(StagingError, match="'new', expected incident or fixed"):
        build_named("new")
