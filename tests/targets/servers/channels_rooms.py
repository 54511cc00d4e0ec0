"""Rooms, on Django Channels and Daphne. Racy: who comes in is told so before the group knows it,
70 ms later, and misses what is said meanwhile. Healthy: the group first.
"""

from __future__ import annotations

import asyncio
import json

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server
from django.conf import settings
from django.urls import path
from noise import greeting, latency, message, options

JOINING_S = 0.070
OPTIONS = options()
settings.configure(
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="of a test alone",
)
django.setup()


class Room(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One user in the one room."""

    joining: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        if OPTIONS.build == "healthy":
            await self.join()
        await self.accept()
        await self.send(greeting())
        if OPTIONS.build == "racy":
            self.joining = asyncio.create_task(self.join())

    async def join(self) -> None:
        await asyncio.sleep(JOINING_S)
        await self.channel_layer.group_add("room", self.channel_name)

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard("room", self.channel_name)

    async def receive(self, text_data: str = "", bytes_data: bytes = b"") -> None:
        asked = json.loads(text_data)
        await latency()
        await self.channel_layer.group_send("room", {"type": "said", "text": asked["text"]})

    async def said(self, event: dict[str, str]) -> None:
        await self.send(message("said", text=event["text"]))


app = ProtocolTypeRouter({"websocket": URLRouter([path("ws", Room.as_asgi())])})
Server(
    application=app,
    endpoints=build_endpoint_description_strings(host="127.0.0.1", port=OPTIONS.port),
    signal_handlers=False,
).run()
