"""A person's chat session, as a real client does it: log in, talk, leave, come back."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

THINKING_S = 0.05
AWAY_S = 0.5
LAST_EVENT = "agent_completed"


async def chat_twice(chat_url: str, auth_url: str, user: str, password: str) -> int:
    """Hold a short chat, go away, come back and chat on; return how many messages came.

    The second visit begins longer after the first than the server keeps a session for.
    """
    token = await log_in(auth_url, user, password)
    received = await visit(chat_url, token, ("How much is 6 * 7?",))
    await asyncio.sleep(AWAY_S)
    return received + await visit(chat_url, token, ("What did I ask first?",))


async def log_in(auth_url: str, user: str, password: str) -> str:
    """Return a fresh access token of the auth service."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{auth_url}/token", json={"user": user, "password": password})
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        return token


async def visit(chat_url: str, token: str, questions: tuple[str, ...]) -> int:
    """Connect, ask, read the answers and leave; return how many messages came."""
    headers = {"Authorization": f"Bearer {token}"}
    async with connect(chat_url, additional_headers=headers) as socket:
        received = await received_until(socket, "connection_ready")
        for question in questions:
            await asyncio.sleep(THINKING_S)
            await socket.send(json.dumps({"type": "chat", "text": question}))
            received += await received_until(socket, LAST_EVENT)
        await asyncio.sleep(THINKING_S)
    return received


async def received_until(socket: ClientConnection, kind: str, within_s: float = 10) -> int:
    """Read on until a message of this kind; return how many came."""
    count = 0
    async with asyncio.timeout(within_s):
        while True:
            count += 1
            message: dict[str, Any] = json.loads(await socket.recv())
            if message["type"] == kind:
                return count
