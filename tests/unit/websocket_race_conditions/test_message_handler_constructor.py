"""The plan's section 1.2: there is one way to make a MessageHandlerService."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable

import pytest

from local_staging.chat_backend.agent import Agent
from local_staging.chat_backend.builds import Build
from local_staging.chat_backend.message_handler import MessageHandlerService
from local_staging.chat_backend.transcript import MemoryTranscript, Transcript
from tests.unit.local_staging.chat_backend.rules_model import rules_model

MISMATCH = "unexpected keyword argument 'websocket_manager'"


@pytest.fixture
def thread_service() -> Transcript:
    return MemoryTranscript()


@pytest.fixture
def supervisor(thread_service: Transcript) -> Agent:
    return Agent(thread_service, rules_model(), asyncio.sleep)


@pytest.mark.guards(2, MISMATCH)
def test_constructor_parameter_validation(
    build: Build, supervisor: Agent, thread_service: Transcript
) -> None:
    """In any order, on both sides of the warm-up, through the build or not."""
    MessageHandlerService(supervisor=supervisor, thread_service=thread_service)
    MessageHandlerService(thread_service=thread_service, supervisor=supervisor)
    for is_warm in (True, False):
        made = build.message_handler(supervisor, thread_service, object(), is_warm)
        assert type(made).__name__ == "MessageHandlerService"


@pytest.mark.guards(2, MISMATCH)
@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda s, t: MessageHandlerService(s, t), "positional"),
        (lambda s, t: MessageHandlerService(supervisor=s), "thread_service"),
        (lambda s, t: MessageHandlerService(thread_service=t), "supervisor"),
        (lambda s, t: MessageHandlerService(supervisor=t, thread_service=s), "a supervisor"),
        (lambda s, t: MessageHandlerService(supervisor=s, thread_service=None), "a thread_service"),
        (
            lambda s, t: MessageHandlerService(
                supervisor=s, thread_service=t, websocket_manager=object()
            ),
            MISMATCH,
        ),
    ],
)
def test_invalid_parameter_combinations(
    build: Build,
    make: Callable[[object, object], object],
    complaint: str,
    supervisor: Agent,
    thread_service: Transcript,
) -> None:
    """What is wrong is said, and it is the same on both sides of the warm-up."""
    with pytest.raises(TypeError, match=complaint):
        make(supervisor, thread_service)
    for is_warm in (True, False):
        with pytest.raises(TypeError, match="needs a supervisor"):
            build.message_handler(thread_service, supervisor, object(), is_warm)  # type: ignore[arg-type]


@pytest.mark.guards(2, MISMATCH)
def test_websocket_manager_injection(
    build: Build, supervisor: Agent, thread_service: Transcript
) -> None:
    """Who has a manager passes it to the build, and the service is the same with it or without."""
    made = [
        build.message_handler(supervisor, thread_service, manager, is_warm)
        for manager in (None, object())
        for is_warm in (True, False)
    ]
    assert len({type(each) for each in made}) == 1


@pytest.mark.guards(2, MISMATCH)
def test_constructor_race_condition_prevention(
    build: Build, supervisor: Agent, thread_service: Transcript
) -> None:
    """Connections that come while the backend gets warm are all served alike."""
    begin = threading.Barrier(8)
    made: list[object] = []
    warm = itertools.cycle((False, True))

    def connects(is_warm: bool) -> None:
        begin.wait(10)
        try:
            made.append(build.message_handler(supervisor, thread_service, object(), is_warm))
        except TypeError as error:
            made.append(error)

    threads = [threading.Thread(target=connects, args=(next(warm),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(made) == 8
    assert [each for each in made if isinstance(each, TypeError)] == []
