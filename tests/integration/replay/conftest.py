from collections.abc import Iterator

import pytest

from tests.servers.process import serving


@pytest.fixture(scope="session")
def port() -> Iterator[int]:
    """The port of a running websockets server."""
    with serving("websockets_server.py") as port:
        yield port
