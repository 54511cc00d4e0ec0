from __future__ import annotations

import pytest

from local_staging.chat_backend.builds import Fixed, Incident, build_named
from local_staging.chat_backend.sessions import Session
from local_staging.errors import StagingError
from tests.unit.local_staging.chat_backend.connections import session_of


@pytest.fixture
def session() -> Session:
    return session_of("alice")


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
