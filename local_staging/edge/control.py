"""What a test does to the platform, over HTTP: POST /_edge/cycle, /_edge/partition, ….

GET  /_edge/state                               what there is, as JSON
POST /_edge/cycle                               take the serving instances away
POST /_edge/partition?side=client&seconds=2     let nothing pass (client or instance)
POST /_edge/handshake-delay?seconds=0.5         from now on
"""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from local_staging.edge.decisions import Decision
from local_staging.edge.http_head import Head
from local_staging.edge.policy import SECOND_NS
from local_staging.edge.rules import Edge

PREFIX = "/_edge/"
LONGEST_S = 3_600.0


def answer(
    edge: Edge, head: Head, do: Callable[[list[Decision]], None], now_ns: int
) -> tuple[int, str]:
    """Do what a request to the edge itself says; return the status and the text of the answer."""
    parts = urlsplit(head.target)
    given = dict(parse_qsl(parts.query))
    match head.method, parts.path.removeprefix(PREFIX):
        case "GET", "state":
            pass
        case "POST", "cycle":
            do(edge.cycle(now_ns))
        case "POST", "partition" if given.get("side") in ("client", "instance"):
            for_ns = _ns(given)
            if for_ns is None:
                return 400, f"expected seconds, 0 to {LONGEST_S:g}"
            edge.partition("client" if given["side"] == "client" else "instance", for_ns, now_ns)
        case "POST", "partition":
            return 400, "expected side=client or side=instance"
        case "POST", "handshake-delay":
            for_ns = _ns(given)
            if for_ns is None:
                return 400, f"expected seconds, 0 to {LONGEST_S:g}"
            edge.handshake_delay_ns = for_ns
        case _:
            return 404, "expected GET state, POST cycle, partition or handshake-delay"
    return 200, json.dumps(edge.state())


def _ns(given: dict[str, str]) -> int | None:
    try:
        seconds = float(given.get("seconds", ""))
    except ValueError:
        return None
    return round(seconds * SECOND_NS) if 0 <= seconds <= LONGEST_S else None
