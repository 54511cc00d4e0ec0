"""Orders, on aiohttp. Racy: an order is confirmed first and booked 120 ms later, by a task of its
own, so that whoever cancels within that time cancels what is not there. Healthy: booked first.
"""

from __future__ import annotations

import asyncio
import json

from aiohttp import WSMsgType, web
from noise import greeting, latency, message, options, tick

BOOKING_S = 0.120
OPTIONS = options()
booked: set[str] = set()


async def book(order: str) -> None:
    await asyncio.sleep(BOOKING_S)
    booked.add(order)


async def orders(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str(greeting())
    ticking = asyncio.create_task(tick(socket.send_str))
    try:
        async for received in socket:
            if received.type is not WSMsgType.TEXT:
                continue
            asked = json.loads(received.data)
            await latency()
            match asked["do"]:
                case "order":
                    order = f"order of {id(socket)}"
                    if OPTIONS.build == "racy":
                        request.app["booking"] = asyncio.create_task(book(order))
                    else:
                        await book(order)
                    await socket.send_str(message("confirmed", item=asked["item"]))
                case "cancel":
                    known = order in booked
                    booked.discard(order)
                    await socket.send_str(message("cancelled" if known else "unknown_order"))
                case _:
                    await socket.send_str(message("prices", bid=asked["do"]))
    finally:
        ticking.cancel()
    return socket


app = web.Application()
app.router.add_get("/ws", orders)
web.run_app(app, host="127.0.0.1", port=OPTIONS.port, print=None)
