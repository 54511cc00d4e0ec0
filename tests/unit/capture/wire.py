"""Bytes as they are on the wire, for tests: frames, handshakes, tokens."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import Any

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

REQUEST = (
    b"GET /ws HTTP/1.1\r\nHost: example.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
DEFLATE_RESPONSE = RESPONSE.replace(
    b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bytes | None = None, rsv: int = 0
) -> bytes:
    """Return a frame, valid or not; `rsv` 4 is rsv1, 2 is rsv2, 1 is rsv3."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    masked = 0x80 if mask is not None else 0
    if len(payload) < 126:
        head += bytes([masked | len(payload)])
    elif len(payload) < 65536:
        head += bytes([masked | 126]) + struct.pack("!H", len(payload))
    else:
        head += bytes([masked | 127]) + struct.pack("!Q", len(payload))
    if mask is None:
        return head + payload
    repeated = mask * (len(payload) // 4 + 1)
    return head + mask + bytes(a ^ b for a, b in zip(payload, repeated, strict=False))


def client(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """Return a masked frame."""
    return frame(opcode, payload, fin=fin, mask=b"\x11\x22\x33\x44", rsv=rsv)


class Deflate:
    """Compresses messages as permessage-deflate does."""

    def __init__(self, *, context_takeover: bool = True) -> None:
        self.context_takeover = context_takeover
        self._compressor = self._new()

    def __call__(self, payload: bytes) -> bytes:
        if not self.context_takeover:
            self._compressor = self._new()
        compressed = self._compressor.compress(payload)
        compressed += self._compressor.flush(zlib.Z_SYNC_FLUSH)
        return compressed.removesuffix(b"\x00\x00\xff\xff")

    @staticmethod
    def _new() -> Any:  # noqa: ANN401  zlib has no public type for it
        return zlib.compressobj(wbits=-15)


def base64url(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


SIGNATURE = "sgn_" + base64url(bytes(range(7, 33)))


def jwt(signature: str = SIGNATURE, **claims: object) -> str:
    """Return a token of JWT shape; nobody checks its signature."""
    header = json.dumps({"alg": "HS256", "typ": "JWT"}).encode()
    body = json.dumps({"sub": "ada", "iat": 1_700_000_000, "exp": 1_700_003_600, **claims}).encode()
    return f"{base64url(header)}.{base64url(body)}.{signature}"
