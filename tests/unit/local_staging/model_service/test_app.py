from __future__ import annotations

import json

import httpx
import pytest

from local_staging.model_service.app import Pace, create_app
from local_staging.model_service.completion import MODEL

HELLO = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}


class Bench:
    """The service without a network, and the pauses that it makes."""

    def __init__(self) -> None:
        self.paused_s: list[float] = []
        app = create_app("the key", Pace(0.5, 0.1), self._pause)
        self.http = httpx.AsyncClient(
            base_url="http://model/v1",
            transport=httpx.ASGITransport(app),
            headers={"Authorization": "Bearer the key"},
        )

    async def _pause(self, seconds: float) -> None:
        self.paused_s.append(seconds)


async def test_streams_as_server_sent_events_at_its_pace() -> None:
    bench = Bench()
    answer = await bench.http.post("/chat/completions", json={**HELLO, "stream": True})
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    events = answer.text.removesuffix("\n\n").split("\n\n")
    assert events[-1] == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
    said = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert said == "You said: hello"
    assert bench.paused_s == [0.5] + [0.1] * (len(chunks) - 1)


async def test_answers_in_one_piece() -> None:
    bench = Bench()
    answer = (await bench.http.post("/chat/completions", json=HELLO)).json()
    assert answer["choices"][0]["message"]["content"] == "You said: hello"
    assert bench.paused_s == [0.5]


async def test_says_what_was_wrong() -> None:
    answer = await Bench().http.post("/chat/completions", json={**HELLO, "model": "other"})
    assert answer.status_code == 400
    assert "no model 'other'" in answer.json()["error"]["message"]


async def test_lists_its_model() -> None:
    known = (await Bench().http.get("/models")).json()["data"]
    assert [model["id"] for model in known] == [MODEL]


@pytest.mark.parametrize("key", ["", "Bearer another", "Bearer the ke\xff"])
async def test_without_the_key_it_says_nothing(key: str) -> None:
    http, headers = Bench().http, {"Authorization": key.encode("latin-1")}
    for answer in (
        await http.post("/chat/completions", json=HELLO, headers=headers),
        await http.get("/models", headers=headers),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
