"""The frames of the contestants, as bytes: each holds one number."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.lateness.load import DIGITS

HEADER, MASK = 2, 4
FRAME = HEADER + MASK + DIGITS
TEXT, CLOSE = 0x81, 0x88


def numbers(data: bytes) -> Iterator[int]:
    """Yield the numbers in the whole masked frames that data begins with."""
    while len(data) >= FRAME and data[0] == TEXT:
        mask, masked = data[HEADER : HEADER + MASK], data[HEADER + MASK : FRAME]
        yield int(bytes(byte ^ mask[at % MASK] for at, byte in enumerate(masked)))
        data = data[FRAME:]
