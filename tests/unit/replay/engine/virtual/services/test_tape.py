import asyncio
import json

import httpx
import pytest

from replay.engine.remarks import TAPED, UNANSWERED
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.services import Services
from replay.engine.virtual.services.tape import Tape
from replay.errors import ReplayError
from tests.servers.http_service import answering, free_port

Asked = tuple[str, str, str, dict[str, str]]


def get(target: str, **headers: str) -> Asked:
    return ("GET", target, "", headers)


def got(tape: Tape, *requests: Asked) -> tuple[list[httpx.Response], list[str]]:
    """Return what one run is answered, and what it notes."""
    services = Services({(tape.host, tape.port): tape})

    async def main() -> list[httpx.Response]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.services = services
        async with services.serving(), httpx.AsyncClient(base_url=f"http://{tape.address}") as http:
            return [
                await http.request(method, target, content=body, headers=headers)
                for method, target, body, headers in requests
            ]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main()), list(services.notes())


def test_what_was_answered_first_is_answered_again() -> None:
    with answering(lambda target: f"{target}: {len(service.asked)}") as service:
        tape = Tape("127.0.0.1", service.port)
        runs = [got(tape, get("/a?b=1"), get("/c")) for _ in range(3)]
    texts = [[answer.text for answer in answers] for answers, _ in runs]
    assert texts == [["/a?b=1: 1", "/c: 2"]] * 3
    assert [notes for _, notes in runs] == [[f"{TAPED}{tape.address}"]] * 3
    assert service.asked == ["/a?b=1", "/c"]


def test_who_asks_again_gets_what_was_answered_then() -> None:
    with answering(lambda _: ["pending", "done"][min(len(service.asked), 2) - 1]) as service:
        tape = Tape("127.0.0.1", service.port)
        runs = [got(tape, *[get("/job")] * times)[0] for times in (1, 3, 2)]
    texts = [[answer.text for answer in answers] for answers in runs]
    assert texts == [["pending"], ["pending", "done", "done"], ["pending", "done"]]
    assert len(service.asked) == 3


def test_another_person_body_or_method_is_another_request() -> None:
    asked = [
        get("/me", authorization="Bearer ann", traceparent="1"),
        get("/me", authorization="Bearer bob"),
        ("POST", "/me", "one", {}),
        ("POST", "/me", "two", {}),
        ("PUT", "/me", "two", {}),
    ]
    with answering(lambda _: str(len(service.asked))) as service:
        tape = Tape("127.0.0.1", service.port)
        first, _ = got(tape, *asked)
        again, _ = got(tape, get("/me", authorization="Bearer ann", traceparent="2"), *asked[1:])
    assert [answer.text for answer in first] == ["1", "2", "3", "4", "5"]
    assert [answer.text for answer in again] == ["1", "2", "3", "4", "5"]


def test_status_headers_and_body_are_those_of_the_service() -> None:
    body = json.dumps({"name": "Zoe"})
    with answering(lambda _: body, status=403, headers={"X-Left": "7"}) as service:
        tape = Tape("127.0.0.1", service.port)
        (first,), _ = got(tape, get("/me"))
        (again,), _ = got(tape, get("/me"))
    for answer in (first, again):
        assert (answer.status_code, answer.text, answer.headers["x-left"]) == (403, body, "7")


def test_a_service_that_is_not_there_is_told_before_the_first_run() -> None:
    tape = Tape("127.0.0.1", free_port())
    with pytest.raises(ReplayError, match=f"nothing answers at {tape.address} .*: start it"):
        got(tape, get("/"))


def test_one_that_has_gone_is_needed_for_what_is_new_only() -> None:
    with answering(lambda _: "here") as service:
        tape = Tape("127.0.0.1", service.port)
        got(tape, get("/known"))
    (known, unknown), notes = got(tape, get("/known"), get("/new"))
    assert (known.text, unknown.status_code) == ("here", 502)
    assert notes[1].startswith(f"{UNANSWERED}{tape.address}: ConnectionRefusedError")
