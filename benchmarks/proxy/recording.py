"""Whether the recording holds everything, and how far it was behind."""

from __future__ import annotations

import json
import time
from pathlib import Path

QUIET_S = 0.15
PATIENCE_S = 20


def lag_ms(capture: Path) -> float:
    """Wait until the file no longer grows; return how long after now that was."""
    begin = last_growth = time.perf_counter()
    size = capture.stat().st_size
    while (now := time.perf_counter()) < min(last_growth + QUIET_S, begin + PATIENCE_S):
        if (new_size := capture.stat().st_size) != size:
            size, last_growth = new_size, now
        time.sleep(0.001)
    return (last_growth - begin) * 1e3


def count(capture: Path, text: str) -> int:
    """Return the messages recorded whole in each direction; raise if a line is not as sent."""
    with capture.open("rb") as lines:
        body = lines.read()
    if b'{"event":"end"' not in body[-200:]:
        raise RuntimeError(f"the recording did not end well: {body[-200:]!r}")
    counted = []
    for direction in ("client_to_server", "server_to_client"):
        frame = f'"direction":"{direction}","opcode":"text"'.encode()
        counted.append(body.count(frame))
    encoded = json.dumps(text, ensure_ascii=False, separators=(",", ":"))
    whole = body.count(f'"text":{encoded}'.encode())
    if counted[0] != counted[1] or whole != sum(counted):
        raise RuntimeError(f"the recording holds {counted} messages, {whole} of them whole")
    return counted[0]
