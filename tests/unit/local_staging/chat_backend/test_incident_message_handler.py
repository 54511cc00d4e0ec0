import asyncio

import pytest

from local_staging.chat_backend.agent import Agent
from local_staging.chat_backend.incident_message_handler import (
    made_at_the_endpoint,
    made_by_the_factory,
)
from local_staging.chat_backend.transcript import MemoryTranscript
from tests.unit.local_staging.chat_backend.rules_model import rules_model


def test_the_factory_knows_the_signature_and_the_endpoint_does_not() -> None:
    transcript = MemoryTranscript()
    agent = Agent(transcript, rules_model(), asyncio.sleep)
    assert type(made_by_the_factory(agent, transcript)).__name__ == "MessageHandlerService"
    with pytest.raises(TypeError, match="unexpected keyword argument 'websocket_manager'"):
        made_at_the_endpoint(agent, transcript, object())
