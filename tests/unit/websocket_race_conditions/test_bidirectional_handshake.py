"""The plan's section 1.3: nothing is done before both directions were seen to work."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from local_staging.chat_backend.builds import Build
from local_staging.chat_backend.session_state import NoSessionState
from local_staging.chat_backend.sessions import Session
from tests.staging.chat_client import FIVE
from tests.unit.local_staging.chat_backend.connections import connection_of, session_of
from tests.unit.local_staging.chat_backend.server import CHAT, Server

KEPT = {"type": "agent_completed", "run_id": "an earlier one", "sequence": 5}
ALL = ["connection_ready", KEPT["type"], *FIVE]
MOMENT_S, WAIT_S = 0.02, 10.0


class GatedServer(Server):
    """A client that can be spoken to from `can_be_told` on, and speaks from `speaks` on."""

    def __init__(self) -> None:
        super().__init__(CHAT, leaves_after="the end")
        self.can_be_told = asyncio.Event()
        self.speaks = asyncio.Event()
        self._has_connected = False

    async def _receive(self) -> dict[str, Any]:
        if self._has_connected:
            await self.speaks.wait()
        self._has_connected = True
        return await super()._receive()

    async def _send(self, message: Any) -> None:  # noqa: ANN401 - ASGI leaves it open
        if message["type"] == "websocket.send":
            await self.can_be_told.wait()
        await super()._send(message)


@dataclass(slots=True)
class States(NoSessionState):
    """Where it is written down which connections are ready."""

    ready: list[str] = field(default_factory=list)

    async def opened(self, connection_id: str) -> None:
        """Write down that a connection is ready."""
        self.ready.append(connection_id)


@dataclass(slots=True)
class Served:
    """A connection that is being served, for which an event of an earlier run waits."""

    server: GatedServer
    session: Session
    states: States

    async def told(self, count: int) -> list[str]:
        """Return what the client was told, once that is so much."""
        async with asyncio.timeout(WAIT_S):
            while len(self.server.texts) < count:
                await asyncio.sleep(MOMENT_S)
        return self.server.texts

    async def moment(self) -> list[str]:
        """Return what the client was told a moment later."""
        await asyncio.sleep(MOMENT_S)
        return self.server.texts


@pytest.fixture
async def served(build: Build) -> AsyncIterator[Served]:
    session, states, server = session_of("alice"), States(), GatedServer()
    session.storage = replace(session.storage, state=states)
    session.undelivered.add(KEPT)
    serving = asyncio.create_task(connection_of(server, session, build).serve())
    yield Served(server, session, states)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


@pytest.mark.guards(5, "ready before the connection response went out")
async def test_send_capability_validation(served: Served) -> None:
    """The client speaks, and cannot be spoken to: nothing is answered, nothing called ready."""
    served.server.speaks.set()
    assert await served.moment() == []
    assert not served.states.ready, "it was ready before the connection response went out"
    served.server.can_be_told.set()
    assert await served.told(len(ALL)) == ALL
    assert len(served.states.ready) == 1


@pytest.mark.guards(5, "an event went out to a client that was not heard")
async def test_receive_capability_validation(served: Served) -> None:
    """The client can be spoken to, and was not heard: what waits for it waits on."""
    served.server.can_be_told.set()
    told = await served.moment()
    assert told[:1] == ["connection_ready"]
    assert told == ["connection_ready"], "an event went out to a client that was not heard"
    assert not served.states.ready
    served.server.speaks.set()
    assert await served.told(len(ALL)) == ALL


@pytest.mark.guards(5, "done before both directions worked")
@pytest.mark.parametrize("first", ["can_be_told", "speaks"])
async def test_full_bidirectional_handshake(served: Served, first: str) -> None:
    """Whichever direction works first: all is done once both do, in its order."""
    for works in (first, *({"can_be_told", "speaks"} - {first})):
        done = [kind for kind in await served.moment() if kind != "connection_ready"]
        assert (done, served.states.ready) == ([], []), "done before both directions worked"
        getattr(served.server, works).set()
    assert await served.told(len(ALL)) == ALL
    assert len(served.states.ready) == 1


@pytest.mark.guards(5, "Failed to send connection response")
async def test_an_event_is_kept_when_the_connection_response_fails(
    build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    """The client is accepted and leaves: what waited for it waits on."""
    session = session_of("alice")
    session.undelivered.add({"type": "agent_completed"})
    # How the connection ends is another matter: what counts is what becomes of the event.
    with contextlib.suppress(ExceptionGroup):
        await connection_of(Server(sends_until_left=1), session, build).serve()
    assert len(session.undelivered) == 1, caplog.text
