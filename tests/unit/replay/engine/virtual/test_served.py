"""An application that is up knows its clients by their addresses."""

import uvicorn

from replay.engine.virtual.served import Served


def test_each_client_has_a_port_of_its_own() -> None:
    served = Served(uvicorn.Config("shop:app", log_config=None), {})
    assert [served.next_client() for _ in range(2)] == [
        ("127.0.0.1", 50_000),
        ("127.0.0.1", 50_001),
    ]
