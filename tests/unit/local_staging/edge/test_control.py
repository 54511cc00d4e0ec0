import json

import pytest

from local_staging.edge import control
from local_staging.edge.decisions import Decision, StartInstance, Terminate
from local_staging.edge.http_head import Head
from local_staging.edge.policy import CLOUD_RUN
from local_staging.edge.rules import Edge


def asked(edge: Edge, line: str) -> tuple[int, str, list[Decision]]:
    done: list[Decision] = []
    status, text = control.answer(edge, Head(f"{line} HTTP/1.1", ()), done.extend, 0)
    return status, text, done


def edge_with_an_instance() -> Edge:
    edge = Edge(CLOUD_RUN)
    assert edge.arrived(1, 0) == [StartInstance(1)]
    edge.listening(1, 0)
    return edge


def test_the_state() -> None:
    status, text, done = asked(edge_with_an_instance(), "GET /_edge/state")
    assert (status, done) == (200, [])
    assert json.loads(text)["instances"] == {"1": {"state": "serving", "requests": 1}}


def test_cycling() -> None:
    assert asked(edge_with_an_instance(), "POST /_edge/cycle")[2] == [Terminate(1)]


def test_a_partition() -> None:
    edge = Edge(CLOUD_RUN)
    assert asked(edge, "POST /_edge/partition?side=instance&seconds=2")[0] == 200
    assert edge.passes_at_ns("instance", 0) == 2_000_000_000
    assert edge.passes_at_ns("client", 0) == 0


def test_a_handshake_delay() -> None:
    edge = Edge(CLOUD_RUN)
    assert asked(edge, "POST /_edge/handshake-delay?seconds=0.25")[0] == 200
    assert edge.handshake_delay_ns == 250_000_000


@pytest.mark.parametrize(
    ("line", "status", "complaint"),
    [
        ("POST /_edge/partition?seconds=1", 400, "expected side=client or side=instance"),
        ("POST /_edge/partition?side=client&seconds=x", 400, "expected seconds"),
        ("POST /_edge/partition?side=client&seconds=-1", 400, "expected seconds"),
        ("POST /_edge/handshake-delay?seconds=nan", 400, "expected seconds"),
        ("GET /_edge/cycle", 404, "expected GET state"),
        ("POST /_edge/", 404, "expected GET state"),
    ],
)
def test_what_it_does_not_understand(line: str, status: int, complaint: str) -> None:
    answered, text, done = asked(edge_with_an_instance(), line)
    assert (answered, done) == (status, [])
    assert complaint in text
