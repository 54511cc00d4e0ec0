"""Checks that a user names, on a real server that does one thing wrong by timing.

Two users talk; `hurried` moves the question of one right behind that of the other, which is the
timing that the server does not bear.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from capture.format.model import Capture
from replay.log_tail import LogTail
from replay.oracles.checks import Observed, Outcome, judged, parse
from replay.perturbations import Gap, perturbed
from replay.plan import After
from replay.planning import plan_from_capture
from tests.integration.replay.sessions import replayed
from tests.servers.process import serving
from tests.unit.replay.captures import MS, Connection, Events, capture_of

HURRIED = Gap("c2", 1, After.parse("c1 step 2"), 1 * MS)
TOO_SOON_MS = 60
CHECKS = {
    "lost": "no_lost_message:by=$.id,reply=answer",
    "order": "order:$.seq",
    "events": "order:events=started,answer,per=$.id",
    "once": "exactly_once:$.id",
    "crossed": "no_cross_talk",
    "user": "no_cross_talk:$.user,user=$.user",
    "handshake": "handshake_within:10s",
    "codes": "close_codes:1000,1001",
    "log": "log_pattern:went wrong",
}


def talk(connection: Connection, fault: str, user: str, start_ms: float) -> Events:
    """Two questions 400 ms apart, each with its answers, and a goodbye."""
    events: list[Events] = [
        connection.request(start_ms, f"ws://recorded.example/{fault}?ms={TOO_SOON_MS}"),
        connection.response(start_ms + 2),
    ]
    for number, at_ms in enumerate((start_ms + 20, start_ms + 420)):
        key, seq = f"{user}-{number}", 2 * number + 1
        text = f"question {number} of {user}"
        started = {"type": "started", "id": key, "seq": seq}
        said = {**started, "type": "answer", "seq": seq + 1, "user": user, "of": text}
        events += [
            connection.sent(at_ms, {"id": key, "user": user, "text": text}),
            connection.said(at_ms + 1, started),
            connection.said(at_ms + 2, said),
        ]
    return [*events, connection.left(start_ms + 1200)]


def two_users(fault: str) -> Capture:
    return capture_of(
        talk(Connection("c1"), fault, "ann", 0), talk(Connection("c2"), fault, "bob", 200)
    )


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "server.log"


@pytest.fixture(scope="module")
def unreliable(log: Path) -> Iterator[int]:
    """The port of the server; its log is `log`."""
    with serving("unreliable_server.py", log=log) as port:
        yield port


async def outcomes(port: int, log: Path, fault: str, *edits: Gap) -> dict[str, Outcome]:
    plan = perturbed(plan_from_capture(two_users(fault)), edits)
    tail = LogTail(log)
    run = await replayed(plan, port, patience_s=1.0)
    found = judged(map(parse, CHECKS.values()), Observed.of(run, tail.new_lines()))
    return dict(zip(CHECKS, found, strict=True))


async def test_as_recorded_every_check_holds(unreliable: int, log: Path) -> None:
    found = await outcomes(unreliable, log, "twice")
    assert {name: each.verdict for name, each in found.items()} == dict.fromkeys(CHECKS, "pass")


@pytest.mark.parametrize(
    ("fault", "failing"),
    [
        ("none", {"log"}),
        ("lost", {"lost", "log"}),
        ("twice", {"once", "log"}),
        ("reordered", {"order", "events", "log"}),
        ("crossed", {"lost", "order", "events", "crossed", "user", "log"}),
        ("cut", {"lost", "codes", "log"}),
        ("dismissed", {"lost", "codes", "log"}),
    ],
)
async def test_each_fault_fails_its_own_checks_and_no_other(
    unreliable: int, log: Path, fault: str, failing: set[str]
) -> None:
    found = await outcomes(unreliable, log, fault, HURRIED)
    assert {name for name, each in found.items() if each.verdict == "fail"} == failing, found
    assert {each.verdict for each in found.values()} == {"pass", "fail"}, found


async def test_what_a_check_saw_is_where_it_says(unreliable: int, log: Path) -> None:
    found = await outcomes(unreliable, log, "lost", HURRIED)
    (symptom,) = found["lost"].judgement.symptoms
    assert symptom.connection == "c2"
    assert "c2: message 1 of the client" in symptom.detail
    assert "with $.id=bob-0 got no reply" in symptom.detail


async def test_who_leaves_at_once_is_owed_nothing(unreliable: int, log: Path) -> None:
    goodbyes = [Gap(name, 3, After.parse(f"{name} step 2"), 0) for name in ("c1", "c2")]
    found = await outcomes(unreliable, log, "slow", *goodbyes)
    assert found["lost"].verdict == "pass"
    assert found["lost"].detail == "2 of 4 messages answered, 2 not owed as the client left"
