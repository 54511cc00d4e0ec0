"""What counts as failing for the right reason."""

from __future__ import annotations

import pytest

from tests.teeth import Complaint


def noted(error: Exception, *notes: str) -> Exception:
    for note in notes:
        error.add_note(note)
    return error


REFUSED = noted(
    OSError("HTTP 500"),
    "2026-01-01T00:00:00.000Z INFO chat session created\n"
    '2026-01-01T00:00:01.000Z ERROR chat connection failed a b RuntimeError: call "accept" first',
)


@pytest.mark.parametrize(
    ("complaint", "error", "told"),
    [
        (Complaint("too early"), AssertionError("it was too early by 3 ms"), "it was too early"),
        (Complaint("too early"), AssertionError("it was too late"), None),
        # The log alone is no reason: the test may have failed for another one.
        (Complaint("accept"), REFUSED, None),
        (Complaint("HTTP 500"), REFUSED, "OSError: HTTP 500"),
        (Complaint("HTTP 500", "accept"), REFUSED, 'the server says: RuntimeError: call "accept"'),
        (Complaint("HTTP 500", "websocket_manager"), REFUSED, None),
        (Complaint("HTTP 503", "accept"), REFUSED, None),
        (
            Complaint("HTTP 500", "accept"),
            ExceptionGroup("tasks", [ValueError("other"), REFUSED]),
            "OSError: HTTP 500; the server says",
        ),
        # What a group is called is nobody's complaint.
        (Complaint("tasks"), ExceptionGroup("tasks", [ValueError("other")]), None),
    ],
)
def test_who_complains_of_what(complaint: Complaint, error: Exception, told: str | None) -> None:
    shown = complaint.told_by(error)
    if told is None:
        assert shown is None
    else:
        assert told in (shown or "")
