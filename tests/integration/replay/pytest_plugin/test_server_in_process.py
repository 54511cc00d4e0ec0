"""The server under test lives in the process of the test.

Each is a pytest of its own, against real servers.
"""

from __future__ import annotations

import pytest

from tests.integration.replay.pytest_plugin.runs import (
    Run,
)

SERVER = """
import asyncio, json, threading, time
import pytest_asyncio
from websockets.asyncio.server import serve

async def answers(connection):
    before = 0
    async for message in connection:
        now, lost = time.monotonic(), before
        before = now
        if now - lost >= LOSES_S:
            await connection.send(json.dumps({"type": "ack", "of": message}))
"""

IN_THE_LOOP = """
@pytest_asyncio.fixture
async def deadheat_target():
    async with serve(answers, "127.0.0.1", 0) as server:
        yield "ws://127.0.0.1:%d" % server.sockets[0].getsockname()[1]

@pytest.mark.asyncio
@pytest.mark.deadheat("captures/talk.capture.jsonl", finding="captures/talk.finding.json", runs=2)
async def test_async(deadheat_replay):
    await asyncio.sleep(0)
    assert len(deadheat_replay.runs) == 2
"""

IN_A_THREAD = """
@pytest.fixture(scope="module")
def deadheat_target():
    loop, ports = asyncio.new_event_loop(), []
    async def start():
        server = await serve(answers, "127.0.0.1", 0)
        return server, server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server, port = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    yield "ws://127.0.0.1:%d" % port
    async def stop():
        server.close()
        await server.wait_closed()
    asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()

class TestInAClass:
    @pytest.mark.deadheat(
        "captures/talk.capture.jsonl", finding="captures/talk.finding.json", runs=2
    )
    def test_sync(self):
        pass
"""


@pytest.mark.parametrize("place", [IN_THE_LOOP, IN_A_THREAD], ids=["same loop", "thread"])
@pytest.mark.parametrize(("loses_s", "outcome"), [(0.06, "failed"), (0, "passed")])
def test_the_server_may_live_in_the_process_of_the_test(
    run: Run, place: str, loses_s: float, outcome: str
) -> None:
    prefix = SERVER + f"LOSES_S = {loses_s}\n"
    run(place, "--asyncio-mode", "strict", prefix=prefix, path=None).assert_outcomes(**{outcome: 1})


def test_what_was_normal_is_forgotten_with_the_server(run: Run) -> None:
    prefix = """
import socket, json, threading
from websockets.sync.server import serve

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    PORT = probe.getsockname()[1]

@pytest.fixture(params=["ack", "other", "ack"])
def deadheat_target(request):
    # Another build each time, at the same address.
    def answers(connection):
        for message in connection:
            connection.send(json.dumps({"type": request.param, "of": message}))
    with serve(answers, "127.0.0.1", PORT) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{PORT}"
        server.shutdown()
        thread.join()
"""
    source = """
@pytest.mark.deadheat("captures/talk.capture.jsonl", patience=0.3)
def test_build(): pass
"""
    result = run(source, prefix=prefix, path=None)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["deadheat: the server does not do as recorded, *"])
