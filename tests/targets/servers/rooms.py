"""Chat rooms on Django Channels and daphne.

python rooms.py racy|healthy PORT

To join takes 40 ms to see whether the user may, then what was said so far is read, which takes
100 ms, and sent. The racy build has the user hear new messages only from then on, so that what is
said while it reads comes neither way; the healthy one listens before it reads, and says nothing
twice.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import defaultdict
from typing import Any
from uuid import uuid4

import django
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server
from django.conf import settings
from django.urls import path

MAY_S, READ_S = 0.040, 0.100
IS_RACY = sys.argv[1] == "racy"
said: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)

settings.configure(
    SECRET_KEY="of no use",
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
)
django.setup()


class Room(AsyncJsonWebsocketConsumer):
    room = ""
    heard: set[str]

    async def connect(self) -> None:
        self.heard = set()
        await self.accept()
        await self.send_json({"type": "hello", "text": random.choice(("hi", "hey", "welcome"))})
        self.typing = asyncio.create_task(self.others_type())

    async def disconnect(self, code: int) -> None:
        if hasattr(self, "typing"):
            self.typing.cancel()
        if self.room:
            await self.channel_layer.group_discard(self.room, self.channel_name)

    async def receive_json(self, content: dict[str, Any], **kwargs: object) -> None:
        if content["type"] == "create":
            await self.send_json({"type": "created", "room": uuid4().hex})
        elif content["type"] == "join":
            await self.join(content["room"])
        else:
            message = {"text": content["text"], "id": uuid4().hex}
            said[content["room"]].append(message)
            await self.channel_layer.group_send(content["room"], {"type": "heard.now"} | message)
            await self.send_json({"type": "posted", "id": message["id"]})

    async def join(self, room: str) -> None:
        await asyncio.sleep(MAY_S)
        self.room = room
        if not IS_RACY:
            await self.channel_layer.group_add(room, self.channel_name)
        before = list(said[room])
        await asyncio.sleep(READ_S)
        for message in before:
            await self.tell(message)
        if IS_RACY:
            await self.channel_layer.group_add(room, self.channel_name)
        await self.send_json({"type": "joined", "members": random.randint(3, 90)})

    async def heard_now(self, event: dict[str, Any]) -> None:
        await self.tell(event)

    async def tell(self, message: dict[str, Any]) -> None:
        if message["id"] not in self.heard:
            self.heard.add(message["id"])
            await self.send_json({"type": "message", "text": message["text"], "id": message["id"]})

    async def others_type(self) -> None:
        while True:
            await asyncio.sleep(random.uniform(0.03, 0.25))
            await self.send_json({"type": "typing", "who": random.choice(("ana", "ben"))})


application = ProtocolTypeRouter({"websocket": URLRouter([path("rooms", Room.as_asgi())])})
Server(
    application,
    endpoints=build_endpoint_description_strings(host="127.0.0.1", port=int(sys.argv[2])),
    ping_interval=1,
    verbosity=0,
).run()
