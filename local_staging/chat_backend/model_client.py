"""Ask a language model over OpenAI's streaming API, whoever serves it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
from httpx_sse import EventSource

from local_staging.chat_backend.tools import TOOLS

Message = Mapping[str, Any]
Pause = Callable[[float], Awaitable[None]]
Begun = Callable[[str], Awaitable[None]]

# A model that is busy is asked again after so long; one that has begun to answer is not.
ASK_AGAIN_S = (0.1, 0.5)
DONE = "[DONE]"


class ModelError(Exception):
    """The model gave no answer that can be used; the text says why."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What the model asks for: a tool by name, and its arguments as JSON."""

    id: str
    name: str
    arguments: str

    def to_message(self) -> Message:
        """Return it as the model's part of the conversation."""
        function = {"name": self.name, "arguments": self.arguments}
        call = {"id": self.id, "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}

    def answered(self, output: str) -> Message:
        """Return what the tool gave, as a part of the conversation."""
        return {"role": "tool", "tool_call_id": self.id, "content": output}


class ModelClient:
    """A model; `http` reaches its API and has the key."""

    def __init__(self, http: httpx.AsyncClient, model: str, pause: Pause) -> None:
        self._http = http
        self._model = model
        self._pause = pause

    async def tool_call(self, messages: Sequence[Message], begun: Begun) -> ToolCall:
        """Have the model choose a tool; `begun` hears of its name first. Raises ModelError."""
        call_id, name, arguments = "", "", []
        async with aclosing(self._deltas(messages, "required")) as deltas:
            async for delta in deltas:
                for part in delta.get("tool_calls") or ():
                    if part.get("index"):
                        # One tool is used in a run: the first.
                        continue
                    function = part.get("function") or {}
                    call_id = call_id or part.get("id") or ""
                    if not name and function.get("name"):
                        name = function["name"]
                        await begun(name)
                    arguments.append(function.get("arguments") or "")
        if not name:
            raise ModelError("the model chose no tool")
        return ToolCall(call_id, name, "".join(arguments))

    async def answer(self, messages: Sequence[Message]) -> str:
        """Have the model say something. Raises ModelError."""
        async with aclosing(self._deltas(messages, "none")) as deltas:
            text = "".join([delta.get("content") or "" async for delta in deltas])
        if not text:
            raise ModelError("the model said nothing")
        return text

    async def _deltas(
        self, messages: Sequence[Message], tool_choice: str
    ) -> AsyncGenerator[Mapping[str, Any]]:
        body = {
            "model": self._model,
            "messages": messages,
            "tools": [tool.to_json() for tool in TOOLS],
            "tool_choice": tool_choice,
            "stream": True,
        }
        try:
            async with self._opened(body) as response:
                async for event in EventSource(response).aiter_sse():
                    if event.data == DONE:
                        return
                    for choice in json.loads(event.data).get("choices", ()):
                        yield choice.get("delta") or {}
        except httpx.HTTPError as error:
            raise ModelError(f"the model is away: {error!r}") from error
        except (ValueError, AttributeError, TypeError) as error:
            raise ModelError("the model does not speak OpenAI's streaming API") from error
        raise ModelError("the model's answer broke off")

    @asynccontextmanager
    async def _opened(self, body: Mapping[str, Any]) -> AsyncIterator[httpx.Response]:
        """Have the answer's head. Raises httpx.HTTPError, ModelError."""
        request = self._http.build_request("POST", "chat/completions", json=body)
        for again_s in (*ASK_AGAIN_S, None):
            try:
                response = await self._http.send(request, stream=True)
            except httpx.TransportError:
                if again_s is None:
                    raise
            else:
                if again_s is None or not _is_passing(response.status_code):
                    break
                await response.aclose()
            await self._pause(again_s)
        try:
            if response.status_code != HTTPStatus.OK:
                raise ModelError(f"the model answered HTTP {response.status_code}")
            yield response
        finally:
            await response.aclose()


def _is_passing(status: int) -> bool:
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
