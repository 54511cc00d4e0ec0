"""The message that is missing or too many, the nearest one, and the fields in which they differ."""

from typing import Any

import pytest

from replay.oracles.mismatch import (
    NOTHING,
    FieldDifference,
    Mismatch,
    Transcripts,
    Varying,
    lasting,
    mismatches,
)
from replay.oracles.transcript import transcripts
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")


def ack(of: int, **fields: object) -> dict[str, Any]:
    return {"type": "ack", "of": of, **fields}


def run(*said: object) -> Transcripts:
    """Each message of the server follows a message of the client."""
    return transcripts(
        capture_of(
            C1.opened(0),
            [C1.sent(10 * n, f"m{n}", step=n) for n, _ in enumerate(said, start=1)],
            [C1.said(10 * n + 2, payload) for n, payload in enumerate(said, start=1)],
            C1.left(200, step=len(said) + 1),
        )
    )


def compared(
    expected: Transcripts,
    seen: Transcripts,
    pushes: frozenset[str] = frozenset(),
    most: int | None = None,
) -> list[Mismatch]:
    varying = Varying.learned([expected, expected], expected)
    return mismatches(expected, seen, varying, pushes=pushes, most=most)


def test_equal_runs_have_none() -> None:
    assert compared(run(ack(1), ack(2)), run(ack(1), ack(2))) == []


def test_a_lost_message_shows_the_nearest_that_came_for_another() -> None:
    (found,) = compared(run(ack(1), ack(2)), run(ack(1)))
    assert (found.step, found.odd.text, found.is_extra) == (2, '{"type": "ack", "of": 2}', False)
    assert found.seen is not None
    assert found.seen.text == '{"type": "ack", "of": 1}'
    assert found.is_spoken_for
    assert found.differences == (FieldDifference("$.of", "2", "1"),)


def test_a_changed_message_is_one_mismatch_with_its_fields() -> None:
    (found,) = compared(run(ack(1), ack(2, ok=True)), run(ack(1), ack(2, ok=False, why="late")))
    assert not found.is_spoken_for
    assert found.differences == (
        FieldDifference("$.ok", "true", "false"),
        FieldDifference("$.why", NOTHING, '"late"'),
    )


def test_of_several_the_most_alike_is_the_nearest() -> None:
    expected = run(ack(1, user="a", room="x"))
    seen = run({"type": "hello"}, ack(9, user="b", room="y"), ack(2, user="a", room="x"))
    found = compared(expected, seen)[0]
    assert found.seen is not None
    assert found.seen.step == 3


def test_nothing_alike_came() -> None:
    (lost,) = compared(run({"type": "welcome"}), run())
    assert (lost.seen, lost.is_spoken_for, lost.differences) == (None, False, ())


def test_one_too_many_shows_the_nearest_expected() -> None:
    (found,) = compared(run(ack(1)), run(ack(1), ack(1)))
    assert (found.is_extra, found.step) == (True, 2)
    assert found.expected is not None
    assert found.expected.text == '{"type": "ack", "of": 1}'


def test_what_varies_among_unperturbed_runs_is_no_mismatch() -> None:
    recorded = run(ack(1, load=3))
    controls = [run(ack(1, load=load)) for load in (5, 9, 2)]
    varying = Varying.learned(controls, recorded)
    assert mismatches(recorded, run(ack(1, load=77)), varying) == []
    (found,) = mismatches(recorded, run(ack(2, load=77)), varying)
    assert found.differences == (FieldDifference("$.of", "1", "2"),)


def test_ids_and_times_vary_even_if_only_the_recording_has_them() -> None:
    recorded = run(ack(1, at="2026-11-23T03:27:29Z"))
    varying = Varying.learned([], recorded)
    assert mismatches(recorded, run(ack(1, at="2026-11-24T00:00:00Z")), varying) == []
    assert mismatches(recorded, run(ack(2, at="2026-11-24T00:00:00Z")), varying) != []


def test_messages_that_come_as_they_like_are_none() -> None:
    pushes = frozenset({"type=tick"})
    seen = run(ack(1), {"type": "tick"})
    assert compared(run(ack(1)), seen, pushes=pushes) == []
    assert len(compared(run(ack(1)), seen)) == 1


def test_no_more_are_looked_for_than_are_asked_for() -> None:
    expected = run(*(ack(n) for n in range(9)))
    assert len(compared(expected, run())) == 9
    assert [found.step for found in compared(expected, run(), most=2)] == [1, 2]


def test_a_connection_that_was_not_opened_has_none() -> None:
    assert compared(run(ack(1)), {}) == []


def test_lasting_is_what_every_run_does() -> None:
    recorded = run(ack(1), ack(2))
    controls = [run(ack(1), ack(7)), run(ack(1), ack(7)), run(ack(3), ack(7))]
    varying = Varying.learned([recorded], recorded)
    found = lasting(recorded, controls, varying)
    assert [(each.is_extra, each.odd.text) for each in found] == [
        (False, '{"type": "ack", "of": 2}')
    ]
    assert lasting(recorded, [recorded, *controls], varying) == []
    assert lasting(recorded, [], varying) == []


def test_lists_of_values_are_shown_as_lists() -> None:
    (found,) = compared(run({"t": "users", "ids": [1, 2]}), run({"t": "users", "ids": [1, 3]}))
    assert found.differences == (FieldDifference("$.ids[]", "[1, 2]", "[1, 3]"),)


def test_a_mismatch_without_a_message_is_none() -> None:
    with pytest.raises(ValueError, match="has an odd message"):
        _ = Mismatch("c1", None, None).odd
