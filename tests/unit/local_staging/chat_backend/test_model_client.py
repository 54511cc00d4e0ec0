from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from local_staging.chat_backend.model_client import ASK_AGAIN_S, ModelClient, ModelError, ToolCall
from tests.unit.local_staging.chat_backend.rules_model import KEY, rules_model

ASKED = [{"role": "user", "content": "6 * 7"}]


class Api:
    """A model's API that answers each request with the next of `answers`, the last for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.requests: list[httpx.Request] = []
        self.paused_s: list[float] = []
        self._answers = list(answers)

    @property
    def model(self) -> ModelClient:
        return rules_model(httpx.MockTransport(self._answer), self._pause)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers[0] if len(self._answers) == 1 else self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _pause(self, seconds: float) -> None:
        self.paused_s.append(seconds)


def streamed(*deltas: dict[str, Any], ends: bool = True) -> httpx.Response:
    lines = [f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n" for delta in deltas]
    text = "".join([*lines, "data: [DONE]\n\n" if ends else ""])
    return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, text=text)


async def ignore(name: str) -> None:
    """Hear which tool it is, and do nothing."""


async def test_a_tool_call_comes_in_pieces_and_its_name_first() -> None:
    heard: list[str] = []

    async def begun(name: str) -> None:
        heard.append(name)

    call = await rules_model().tool_call(ASKED, begun)
    assert heard == ["calculator"]
    assert (call.name, json.loads(call.arguments)) == ("calculator", {"expression": "6 * 7"})


async def test_the_answer_to_what_a_tool_found() -> None:
    model = rules_model()
    call = await model.tool_call(ASKED, ignore)
    answer = await model.answer([*ASKED, call.to_message(), call.answered("6 * 7 = 42")])
    assert answer == "The calculator says: 6 * 7 = 42."


async def test_only_the_first_of_several_tools_is_used() -> None:
    def part(index: int, name: str, arguments: str) -> dict[str, Any]:
        function = {"name": name, "arguments": arguments}
        return {"tool_calls": [{"index": index, "id": f"c{index}", "function": function}]}

    api = Api(streamed(part(0, "timer", "{"), part(1, "dice", "{}"), part(0, "", "}")))
    assert await api.model.tool_call(ASKED, ignore) == ToolCall("c0", "timer", "{}")


async def test_what_is_asked_for() -> None:
    api = Api(streamed({"content": "hello"}))
    await api.model.answer(ASKED)
    body = json.loads(api.requests[0].content)
    assert (body["stream"], body["tool_choice"], body["messages"]) == (True, "none", ASKED)
    assert api.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    assert api.requests[0].url.path == "/v1/chat/completions"


async def test_a_busy_model_is_asked_again() -> None:
    api = Api(httpx.Response(429), httpx.ConnectError("away"), streamed({"content": "here"}))
    assert await api.model.answer(ASKED) == "here"
    assert api.paused_s == list(ASK_AGAIN_S)


@pytest.mark.parametrize(
    ("answer", "reason", "requests"),
    [
        (httpx.Response(503), "answered HTTP 503", 3),
        (httpx.ConnectError("refused"), "is away: ConnectError", 3),
        (httpx.Response(401), "answered HTTP 401", 1),
        (httpx.Response(200, text="<html>"), "is away: SSEError", 1),
        (streamed({"content": "half"}, ends=False), "broke off", 1),
        (streamed({"content": ""}), "said nothing", 1),
    ],
)
async def test_a_model_without_an_answer(
    answer: httpx.Response | Exception, reason: str, requests: int
) -> None:
    api = Api(answer)
    with pytest.raises(ModelError, match=reason):
        await api.model.answer(ASKED)
    assert len(api.requests) == requests


@pytest.mark.parametrize("data", ["not JSON", "[]", '{"choices": [1]}'])
async def test_a_server_that_speaks_something_else(data: str) -> None:
    headers = {"Content-Type": "text/event-stream"}
    api = Api(httpx.Response(200, headers=headers, text=f"data: {data}\n\n"))
    with pytest.raises(ModelError, match="does not speak OpenAI's"):
        await api.model.answer(ASKED)


async def test_a_model_that_chooses_no_tool() -> None:
    with pytest.raises(ModelError, match="chose no tool"):
        await Api(streamed({"content": "no"})).model.tool_call(ASKED, ignore)


async def test_a_stream_that_is_left_is_closed() -> None:
    closed = False

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            call = {"tool_calls": [{"id": "c", "function": {"name": "timer"}}]}
            while True:
                yield f"data: {json.dumps({'choices': [{'delta': call}]})}\n\n".encode()

        async def aclose(self) -> None:
            nonlocal closed
            closed = True

    async def gone(name: str) -> None:
        raise ConnectionError(name)

    headers = {"Content-Type": "text/event-stream"}
    api = Api(httpx.Response(200, headers=headers, stream=Endless()))
    with pytest.raises(ConnectionError, match="timer"):
        await api.model.tool_call(ASKED, gone)
    assert closed
