"""A `websockets` server that wants a JWT in Authorization, by the keys at the URL in JWKS.

With PUBLIC_KEY it goes by that PEM instead; ALGORITHM and AUDIENCE say what else it wants. It
answers each message with who said it. Prints its port.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import jwt
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

ALGORITHM = os.environ.get("ALGORITHM", "RS256")
KEYS = jwt.PyJWKClient(os.environ["JWKS"]) if "JWKS" in os.environ else None
subjects: dict[Any, str] = {}


def verified(token: str) -> str:
    key = os.environ["PUBLIC_KEY"] if KEYS is None else KEYS.get_signing_key_from_jwt(token).key
    claims = jwt.decode(
        token,
        key,
        [ALGORITHM],
        audience=os.environ.get("AUDIENCE"),
        options={"require": ["exp", "iat", "sub"]},
    )
    return str(claims["sub"])


async def check(connection: ServerConnection, request: Request) -> Response | None:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        subjects[connection.id] = await asyncio.to_thread(verified, token)
    except jwt.PyJWTError as error:
        return connection.respond(401, f"{type(error).__name__}\n")
    return None


async def chat(connection: ServerConnection) -> None:
    async for text in connection:
        said = {"type": "said", "by": subjects[connection.id], "text": text}
        await connection.send(json.dumps(said))


async def main() -> None:
    async with serve(chat, "127.0.0.1", 0, process_request=check) as server:
        print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
        await server.serve_forever()


asyncio.run(main())
