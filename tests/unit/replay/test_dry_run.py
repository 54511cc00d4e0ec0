from __future__ import annotations

import json

from capture.format.model import Secret
from replay.auth import TokenSource
from replay.dry_run import DryRun
from replay.limits import UNLIMITED, Limits
from replay.perturbations import Gap, Perturbation
from replay.plan import After, Kind, Pace
from replay.planning import plan_from_capture
from replay.target import Target
from tests.unit.replay.captures import Connection, capture_of, ns

C1 = Connection("c1")
TOKEN = Secret(id="s1", kind="jwt", where="header authorization")
COOKIE = Secret(id="s2", kind="cookie", where="cookie sid")
PASSWORD = Secret(id="s3", kind="password", where="message password")
EDIT = Gap("c1", 1, After(Kind.OPEN, "c1"), ns(50))


def dry_run(
    *edits: Perturbation,
    pace: Pace = Pace.CAUSAL,
    tokens: TokenSource | None = None,
    limits: Limits = UNLIMITED,
    text: str = "hello",
) -> DryRun:
    headers = (
        ("Authorization", "Bearer {{deadheat:jwt:s1}}"),
        ("Cookie", "sid={{deadheat:cookie:s2}}"),
    )
    login = '{"password": "{{deadheat:password:s3}}"}'
    recorded = capture_of(
        C1.request(0, headers=headers, secrets=(TOKEN, COOKIE)),
        C1.response(2),
        C1.sent(10, text),
        C1.sent(20, login, secrets=(PASSWORD,)),
        C1.sent(30, b"\x00\xff"),
        C1.left(40),
    )
    plan = plan_from_capture(recorded, pace)
    return DryRun(plan, edits, Target("ws://127.0.0.1:9"), limits, tokens or TokenSource())


def lines(made: DryRun, width: int = 400) -> list[str]:
    return list(made.lines(width))


def test_every_step_is_a_line_with_its_time_and_what_it_waits_for() -> None:
    shown = lines(dry_run())[2:]
    assert [" ".join(line.split())[:44] for line in shown] == [
        "0.0 ms c1 step 0 open s1: nothing yet, pass ",
        "~10.0 ms c1 step 1 send text 5 B after c1 op",
        "~20.0 ms c1 step 2 send text 40 B after c1 s",
        "~30.0 ms c1 step 3 send binary 2 B after c1 ",
        "~40.0 ms c1 step 4 end close after c1 step 3",
    ]
    assert "after c1 open + 8.0 ms  hello" in shown[1]
    assert shown[3].endswith("00ff")


def test_at_the_recorded_pace_the_clock_decides() -> None:
    shown = lines(dry_run(pace=Pace.RECORDED))
    assert not any("after" in line or "~" in line for line in shown[2:])


def test_an_edit_is_shown_at_the_step_that_it_changes() -> None:
    steps = list(dry_run(EDIT).steps())
    assert [step.edits for step in steps] == [(), ("gap",), (), (), ()]
    assert steps[1].at_ns == ns(52)
    assert "[gap]" in steps[1].line(400)


def test_placeholders_say_what_fills_them() -> None:
    made = dry_run(tokens=TokenSource(jwt_key="", values={"s3": ""}))
    opening, _, login, *_ = made.steps()
    assert [str(each) for each in opening.fillings] == ["s1: --jwt-key", "s2: left out"]
    assert [str(each) for each in login.fillings] == ["s3: --secret s3"]
    unfilled = next(iter(dry_run().steps())).fillings[0]
    assert unfilled.origin == "nothing yet, pass --jwt-key or --token-command"


def test_a_recording_with_its_secrets_shows_none() -> None:
    secret = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"
    made = dry_run(text=json.dumps({"token": secret}))
    assert secret not in "".join(lines(made))
    assert secret not in json.dumps([step.to_json() for step in made.steps()])


def test_a_line_is_as_wide_as_it_may_be() -> None:
    assert max(map(len, lines(dry_run(text="long " * 99), 80)[2:])) == 80


def test_what_exceeds_the_limits_is_told_and_shown() -> None:
    made = dry_run(limits=Limits(max_sends_per_s=2))
    assert "would be refused: c1 step 2 (message) at 20.0 ms" in "\n".join(lines(made))
    assert "max_sends_per_s" in made.to_json()["refusal"]
    assert len(list(made.steps())) == 5


def test_as_json_every_step_is_an_object() -> None:
    made = dry_run(EDIT, tokens=TokenSource(jwt_key=""))
    head = made.to_json()
    assert (head["event"], head["target"], head["refusal"]) == ("dry_run", "ws://127.0.0.1:9", "")
    assert head["edits"] == [EDIT.to_json()]
    first, second, *_ = (json.loads(json.dumps(step.to_json())) for step in made.steps())
    assert first["secrets"][0] == {"id": "s1", "kind": "jwt", "from": "--jwt-key"}
    assert (second["at_ms"], second["gap_ms"], second["after"]) == (52, 50, "c1 open")
    assert (second["bytes"], second["text"], second["edits"]) == (5, "hello", ["gap"])
