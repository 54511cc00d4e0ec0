"""The limits of an edge, by name, each with where its number comes from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import Literal

from local_staging.errors import StagingError

SECOND_NS = 1_000_000_000
LONGEST_REQUEST_TIMEOUT_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Policy:
    """What an edge allows, in seconds and counts; a limit that is None does not exist."""

    name: str
    # From the first byte of the request; it counts the whole WebSocket and traffic does not help.
    request_timeout_s: float = 300.0
    # Until the head of the request is whole.
    head_timeout_s: float = 30.0
    # From the first byte of the request to the 101.
    handshake_timeout_s: float | None = None
    # What the edge itself adds to each handshake.
    handshake_delay_s: float = 0.0
    # Requests on one instance at a time; an open WebSocket is one.
    concurrency: int = 80
    min_instances: int = 0
    max_instances: int = 100
    # A request that finds no place waits so many average start-ups, and so long at least.
    queue_start_ups: float = 3.5
    queue_floor_s: float = 10.0
    # How long an instance may take until it listens.
    start_timeout_s: float = 240.0
    # Between SIGTERM and SIGKILL.
    stop_s: float = 10.0
    # After its last request an instance is kept so long.
    idle_instance_s: float = 900.0
    # A connection without a byte in either direction.
    idle_connection_s: float | None = 3_600.0
    session_affinity: bool = False
    # How a connection is cut after the 101, when there is no status to send any more.
    cut: Literal["fin", "rst"] = "fin"

    def __post_init__(self) -> None:
        if not 0 < self.request_timeout_s <= LONGEST_REQUEST_TIMEOUT_S:
            raise StagingError(
                f"the request timeout is {self.request_timeout_s:g} s, expected more than 0 and "
                f"up to {LONGEST_REQUEST_TIMEOUT_S:g} s, as with Cloud Run"
            )
        if not 1 <= self.concurrency <= 1_000:
            raise StagingError(f"the concurrency is {self.concurrency}, expected 1 to 1000")
        if not 0 <= self.min_instances <= self.max_instances or self.max_instances < 1:
            raise StagingError(
                f"the instances are {self.min_instances} to {self.max_instances}, expected 0 or "
                "more to at least as many, and one at least"
            )


class Certainty(Enum):
    """How sure a number is."""

    DOCUMENTED = "Google's documentation"
    INFERRED = "inferred"
    CLAIMED = "the test plan's claim, no limit of Google's"
    OURS = "ours, for tests"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the number of a field of `Policy` comes from."""

    certainty: Certainty
    what: str
    page: str = ""


_RUN = "https://docs.cloud.google.com/run/docs"
_CONTRACT = f"{_RUN}/container-contract"

SOURCES: dict[str, Source] = {
    "request_timeout_s": Source(
        Certainty.DOCUMENTED,
        "300 s unless it is set, up to 3600 s; a WebSocket is one request for all of its life",
        f"{_RUN}/triggering/websockets",
    ),
    "head_timeout_s": Source(
        Certainty.OURS,
        "a client that makes no progress is answered 408 (client_timed_out); after how long is "
        "not documented",
        "https://cloud.google.com/load-balancing/docs/https/https-logging-monitoring",
    ),
    "handshake_timeout_s": Source(
        Certainty.CLAIMED,
        "“15-second GCP NEG limits”: with a serverless NEG the timeout is fixed at 60 minutes",
        "https://cloud.google.com/load-balancing/docs/negs/serverless-neg-concepts",
    ),
    "handshake_delay_s": Source(Certainty.OURS, "no figure of Google's is known"),
    "concurrency": Source(
        Certainty.DOCUMENTED,
        "80 by default, up to 1000; each open WebSocket is a request in flight",
        f"{_RUN}/about-concurrency",
    ),
    "min_instances": Source(
        Certainty.DOCUMENTED, "0 by default", f"{_RUN}/configuring/min-instances"
    ),
    "max_instances": Source(
        Certainty.DOCUMENTED, "100 by default", f"{_RUN}/configuring/max-instances"
    ),
    "queue_start_ups": Source(
        Certainty.DOCUMENTED,
        "requests pend for 3.5 times the average start-up time or 10 s, whichever is longer",
        _CONTRACT,
    ),
    "queue_floor_s": Source(Certainty.DOCUMENTED, "as above; another page says 30 s", _CONTRACT),
    "start_timeout_s": Source(Certainty.DOCUMENTED, "4 minutes to listen", _CONTRACT),
    "stop_s": Source(Certainty.DOCUMENTED, "SIGTERM, 10 seconds, SIGKILL", _CONTRACT),
    "idle_instance_s": Source(Certainty.DOCUMENTED, "up to 15 minutes", _CONTRACT),
    "idle_connection_s": Source(
        Certainty.INFERRED,
        "the load balancer closes idle WebSockets at the backend timeout, 60 minutes with a "
        "serverless NEG; the request timeout comes first unless it is 3600 s",
        "https://cloud.google.com/load-balancing/docs/https/request-distribution",
    ),
    "session_affinity": Source(
        Certainty.DOCUMENTED,
        "off by default; a cookie, best effort, broken when the instance ends or is full",
        f"{_RUN}/configuring/session-affinity",
    ),
    "cut": Source(
        Certainty.INFERRED,
        "after a 101 there can be no 504, so the connection ends without a Close frame (1006); "
        "whether by FIN or RST is not known",
    ),
}

CLOUD_RUN = Policy("cloud-run")
# What the incident's owners took the platform for.
PLAN = Policy("plan", handshake_timeout_s=15.0)
# The same rules in test time.
SHORT = Policy(
    "short",
    request_timeout_s=3.0,
    head_timeout_s=1.0,
    handshake_timeout_s=1.5,
    concurrency=4,
    max_instances=2,
    queue_start_ups=0.1,
    queue_floor_s=0.5,
    start_timeout_s=20.0,
    stop_s=1.0,
    idle_instance_s=2.0,
    idle_connection_s=2.0,
)
POLICIES = (CLOUD_RUN, PLAN, SHORT)


def policy_named(name: str) -> Policy:
    """Return the policy of that name. Raises StagingError."""
    for policy in POLICIES:
        if policy.name == name:
            return policy
    names = ", ".join(policy.name for policy in POLICIES)
    raise StagingError(f"there is no policy {name!r} of the edge, expected one of {names}")


def limits() -> tuple[str, ...]:
    """Return the names of the limits, in their order."""
    return tuple(field.name for field in fields(Policy) if field.name != "name")
