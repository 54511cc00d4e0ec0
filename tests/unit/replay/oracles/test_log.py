import re

import pytest

from replay.oracles.log import LogBaseline, complaints, pattern_of
from replay.oracles.verdict import Verdict

QUIET = LogBaseline.learned([[], []])


@pytest.mark.parametrize(
    "line",
    [
        "2026-01-01 10:00:00 ERROR could not deliver",
        "Traceback (most recent call last):",
        "TypeError: Cannot read properties of undefined",
        "app.errors.StateException: no",
        "panic: runtime error: index out of range",
        "(node:1) UnhandledPromiseRejectionWarning: Error: closed",
        "task failed after 3 s",
    ],
)
def test_a_complaint_is_seen(line: str) -> None:
    assert QUIET.judge([line]).verdict is Verdict.FAIL


@pytest.mark.parametrize("line", ["", "INFO connection open", "0 errors", "terror and mirrors"])
def test_other_lines_are_none(line: str) -> None:
    assert complaints([line]) == []
    assert QUIET.judge([line]).verdict is Verdict.PASS


def test_what_unperturbed_runs_complain_of_is_usual_whatever_its_ids_and_times() -> None:
    usual = LogBaseline.learned([["2026-01-01T10:00:00Z error: session 41 (0x7f1c) timed out"]])
    assert usual.judge(
        ["2026-02-03T11:12:13Z error: session 42 (0x8a2d) timed out"]
    ) == QUIET.judge([])
    assert usual.judge(["2026-02-03T11:12:13Z error: session 42 lost"]).verdict is Verdict.FAIL


def test_the_line_that_says_what_was_raised_is_shown() -> None:
    lines = [
        "ERROR:    Exception in ASGI application",
        "Traceback (most recent call last):",
        '  File "app.py", line 3, in handler',
        "RuntimeError: Unexpected ASGI message 'websocket.send', after sending 'websocket.close'",
    ]
    symptom = QUIET.judge(lines).symptom
    assert symptom is not None
    assert symptom.kind == "log"
    assert symptom.detail == lines[-1]


def test_the_heading_of_a_traceback_makes_no_two_exceptions_alike() -> None:
    def told(raised: str) -> set[tuple[str, ...]]:
        lines = ["ERROR Exception in ASGI application", "Traceback (most recent call last):"]
        judgement = QUIET.judge([*lines, '  File "app.py", line 3, in handler', raised])
        return {symptom.likeness for symptom in judgement.symptoms}

    assert not told("KeyError: 'room'") & told("RuntimeError: no seat is left")


def test_a_heading_without_what_was_raised_is_all_that_there_is() -> None:
    lines = ["ERROR Exception in ASGI application", "Traceback (most recent call last):"]
    symptom = QUIET.judge(lines).symptom
    assert symptom is not None
    assert symptom.detail == lines[0]


def test_the_source_in_a_traceback_is_no_complaint() -> None:
    lines = [
        '  File "server.py", line 3, in send',
        "    raise RuntimeError(",
        '  File "server.py", line 4, in <module>',
        "RuntimeError: no",
        "    error: indented, and in no traceback",
    ]
    assert complaints(lines) == lines[3:]


def test_without_one_the_first_complaint_is_shown_and_not_all_of_it() -> None:
    symptom = QUIET.judge(["  error " + "x" * 1_000]).symptom
    assert symptom is not None
    assert symptom.detail.startswith("error xxx")
    assert len(symptom.detail) == 300


def test_the_pattern_of_a_complaint_finds_it_whenever_it_comes() -> None:
    pattern = pattern_of("16:07:35 ERROR cache (a+b) is 12 pages short")
    assert re.search(pattern, "23:59:59 ERROR cache (a+b) is 7 pages short")
    assert not re.search(pattern, "23:59:59 ERROR cache (ab) is 7 pages short")


@pytest.mark.parametrize(
    ("lines", "raised"),
    [
        (
            [
                "ERROR:    Exception in ASGI application",
                "Traceback (most recent call last):",
                '  File "app.py", line 3, in chat',
                "    await socket.receive()",
                'starlette.websockets.WebSocketDisconnected: not connected. Call "accept" first.',
                "INFO:     connection closed",
            ],
            'starlette.websockets.WebSocketDisconnected: not connected. Call "accept" first.',
        ),
        (
            [
                "Error handling request from 127.0.0.1",
                "Traceback (most recent call last):",
                '  File "app.py", line 3, in chat',
                "    assert self._writer is not None",
                "AssertionError",
            ],
            "AssertionError",
        ),
        (
            [
                "Traceback (most recent call last):",
                '  File "a.py", line 1, in first',
                "    take()",
                "queue.Empty",
                "",
                "During handling of the above exception, another exception occurred:",
                "",
                "Traceback (most recent call last):",
                '  File "a.py", line 9, in second',
                "    raise Gone(7)",
                "a.Gone: 7",
            ],
            "a.Gone: 7",
        ),
        (
            [
                "ERROR uvicorn.error Exception in ASGI application",
                "  + Exception Group Traceback (most recent call last):",
                '  |   File "b.py", line 2, in serve',
                "  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)",
                "  +-+---------------- 1 ----------------",
                "    | Traceback (most recent call last):",
                '    |   File "b.py", line 7, in read',
                "    |     raise Closed('c1')",
                "    | b.Closed: c1",
                "    +------------------------------------",
            ],
            "b.Closed: c1",
        ),
    ],
)
def test_what_was_raised_is_quoted_whatever_it_is_called(lines: list[str], raised: str) -> None:
    symptom = LogBaseline.learned([[]]).judge(lines).symptom
    assert symptom is not None
    assert symptom.detail == raised
    assert not LogBaseline.learned([lines]).judge(lines).symptoms


AWAY = [
    "2026-01-02T03:04:05Z WARNING chat Redis could not keep an event: TimeoutError:",
    "ERROR chat failed: connection refused, not ready after 8.0 s: no answer within 8 s",
    "Traceback (most recent call last):",
    '  File "chat.py", line 9, in keep',
    "redis.exceptions.ConnectionError: Error 111 connecting to 127.0.0.1:6379.",
]


@pytest.mark.parametrize("lines", [AWAY[:1], AWAY[1:2], AWAY[2:], AWAY])
def test_a_server_without_its_database_may_say_so(lines: list[str]) -> None:
    usual = LogBaseline.learned([[]])
    assert usual.judge(lines).verdict is Verdict.FAIL
    assert usual.judge(lines, is_cut_off=True).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "line",
    [
        "TypeError: unsupported operand type(s) for +: 'NoneType' and 'int'",
        "ERROR:    Exception in ASGI application",
        "WARNING chat.connection Failed to send connection response",
    ],
)
def test_what_it_makes_of_that_is_still_its_own(line: str) -> None:
    judgement = LogBaseline.learned([[]]).judge([*AWAY, line], is_cut_off=True)
    assert judgement.symptom is not None
    assert line in judgement.symptom.detail
