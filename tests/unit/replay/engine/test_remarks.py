from capture.format.model import Note
from replay.engine.remarks import (
    ASKED,
    KEPT_FROM,
    PASSED_BY,
    TAPED,
    UNANSWERED,
    about_services,
    undone_by,
    unplanned,
)
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")


def note(text: str, connection: str | None = "c1") -> Note:
    return Note(at_ns=5, text=text, connection=connection)


def test_what_was_not_as_planned_is_told_and_nothing_else() -> None:
    run = capture_of(
        C1.opened(0),
        note("c1 step 2 (message) waited in vain for c1 message 9, and went on"),
        note("correlated: c1 step 1: $.id is the server's"),
        note("the connection ended before its steps 3, 4"),
        note("not done: the restart command ended with status 1", None),
        C1.left(9),
    )
    assert unplanned(run) == [
        "c1 step 2 (message) waited in vain for c1 message 9, and went on",
        "c1: the connection ended before its steps 3, 4",
        "not done: the restart command ended with status 1",
    ]
    assert undone_by(run) == "the restart command ended with status 1"


def test_a_run_as_planned() -> None:
    run = capture_of(C1.opened(0), note("the restart command ended with status 0", None))
    assert (unplanned(run), undone_by(run)) == ([], "")


def test_what_an_application_asked_itself_is_told_with_what_to_do() -> None:
    run = capture_of(
        note(f"{ASKED}127.0.0.1:6379", None),
        note(f"{KEPT_FROM}10.0.0.1", None),
        note(f"{PASSED_BY}127.0.0.1:6380", None),
        note(f"{TAPED}127.0.0.1:80", None),
        note(f"{UNANSWERED}127.0.0.1:81: TimeoutError", None),
    )
    asked, kept_from, passed_by, taped, unanswered = about_services(run)
    assert "127.0.0.1:6379: time stands still" in asked
    assert "--fake redis=" in asked
    assert "--allow-host 10.0.0.1" in kept_from
    assert "127.0.0.1:6380: fakes are for clients of asyncio" in passed_by
    assert taped == "what a service answered first it is taken to answer always: 127.0.0.1:80"
    assert "127.0.0.1:81: TimeoutError" in unanswered
