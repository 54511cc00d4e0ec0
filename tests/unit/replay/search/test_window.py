"""Windows found by asking a function; nothing is run."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay.oracles.verdict import Verdict
from replay.perturbations import Gap
from replay.plan import After, Kind
from replay.search import Edits
from replay.search.window import Window, WindowSearch
from replay.statistics import repeats_to_see
from tests.unit.replay.captures import MS

HIGHEST_NS = 8_000 * MS
EDIT = Gap("c1", 1, After(Kind.OPEN, "c1"), 0)
MOST_POINTS = 45


def with_value(value_ns: int) -> Edits:
    return (EDIT.with_value(value_ns),)


def searched(
    fails: Callable[[int], bool],
    failing_ns: int,
    passing_ns: tuple[int, ...] = (),
    repeats: int = 1,
) -> tuple[Window, int]:
    """Return the window found and how many runs it took."""
    search = WindowSearch(with_value, failing_ns, passing_ns, HIGHEST_NS, repeats)
    asked = 0
    while (edits := search.ask()) is not None:
        (edit,) = edits
        assert 0 <= edit.value_ns <= HIGHEST_NS
        search.tell(edits, Verdict.FAIL if fails(edit.value_ns) else Verdict.PASS)
        asked += 1
        assert asked <= MOST_POINTS * repeats, "it does not end"
    return search.window, asked


def is_close(found_ns: int | None, true_ns: int) -> bool:
    return found_ns is not None and abs(found_ns - true_ns) <= max(0.2 * true_ns, MS // 2)


@st.composite
def windows(draw: st.DrawFn) -> tuple[int, int, int]:
    """Low edge, high edge, and a failing value within: of 1 ms and wider, up to 4 s."""
    low_ns = draw(st.one_of(st.just(0), st.integers(MS, 2_000 * MS)))
    width_ns = draw(st.integers(MS, 2_000 * MS))
    failing_ns = draw(st.integers(low_ns, low_ns + width_ns))
    return low_ns, low_ns + width_ns, failing_ns


@settings(max_examples=400, deadline=None, derandomize=True)
@given(windows())
def test_both_edges_are_found(window: tuple[int, int, int]) -> None:
    low_ns, high_ns, failing_ns = window
    found, _ = searched(lambda value_ns: low_ns <= value_ns <= high_ns, failing_ns)
    assert is_close(found.low_ns, low_ns)
    assert is_close(found.high_ns, high_ns)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(MS, 2_000 * MS), st.integers(0, 2_000 * MS))
def test_a_window_without_a_high_edge_has_none(low_ns: int, further_ns: int) -> None:
    found, _ = searched(lambda value_ns: value_ns >= low_ns, low_ns + further_ns)
    assert is_close(found.low_ns, low_ns)
    assert found.high_ns is None


def test_what_always_fails_has_the_low_edge_zero_and_no_high_one() -> None:
    found, asked = searched(lambda _: True, 100 * MS)
    assert (found.low_ns, found.high_ns) == (0, None)
    assert asked < 12


@pytest.mark.parametrize("failing_ns", [0, 10 * MS])
def test_a_window_from_zero(failing_ns: int) -> None:
    found, asked = searched(lambda value_ns: value_ns <= 50 * MS, failing_ns)
    assert found.low_ns == 0
    assert is_close(found.high_ns, 50 * MS)
    assert asked < 20


def test_what_is_known_to_pass_is_not_asked_again() -> None:
    def fails(value_ns: int) -> bool:
        assert value_ns not in known
        return 20 * MS <= value_ns <= 60 * MS

    known = (0, 10 * MS, 100 * MS)
    _, few = searched(fails, 30 * MS, known)
    _, more = searched(lambda value_ns: 20 * MS <= value_ns <= 60 * MS, 30 * MS)
    assert few < more


def test_another_window_further_off_is_another_failure() -> None:
    def fails(value_ns: int) -> bool:
        return 20 * MS <= value_ns <= 60 * MS or 500 * MS <= value_ns <= 600 * MS

    found, _ = searched(fails, 30 * MS, (100 * MS,))
    assert is_close(found.high_ns, 60 * MS)


@pytest.mark.parametrize("probability", [0.5, 0.7, 0.9])
def test_a_failure_that_does_not_always_show(probability: float) -> None:
    repeats = repeats_to_see(probability)
    good = 0
    for seed in range(60):
        random = Random(seed)
        found, _ = searched(
            lambda value_ns, random=random: (  # type: ignore[misc]
                20 * MS <= value_ns <= 60 * MS and random.random() < probability
            ),
            30 * MS,
            (0, 100 * MS),
            repeats,
        )
        good += is_close(found.low_ns, 20 * MS) and is_close(found.high_ns, 60 * MS)
    # Each point inside is missed in a share of 0.05, and a search asks about ten of them.
    assert good >= 35


def test_an_unknown_run_is_asked_again_and_counts_for_nothing() -> None:
    search = WindowSearch(with_value, 10 * MS, (), HIGHEST_NS, 1)
    first = search.ask()
    assert first is not None
    search.tell(first, Verdict.UNKNOWN)
    assert search.ask() == first
    assert search.window.high_ns is None


def test_a_point_passes_only_after_all_its_repeats() -> None:
    search = WindowSearch(with_value, 10 * MS, (), HIGHEST_NS, 3)
    asked = [search.ask() for _ in range(3) if search.tell((EDIT,), Verdict.PASS) is None]
    assert len(set(asked)) == 1


def test_before_anything_was_asked_only_the_failing_point_is_known() -> None:
    search = WindowSearch(with_value, 10 * MS, (), HIGHEST_NS, 1)
    assert search.window == Window(None, None)
    search.tell((EDIT,), Verdict.PASS)
    assert search.window == Window(None, None)


def test_edges_that_were_asked_too_seldom_move_when_asked_again() -> None:
    search = WindowSearch(with_value, 5 * MS, (100 * MS,), HIGHEST_NS, repeats=1)
    luck = True
    while (edits := search.ask()) is not None:
        (edit,) = edits
        fails = edit.value_ns <= (10 if luck else 30) * MS
        search.tell(edits, Verdict.FAIL if fails else Verdict.PASS)
        if luck and search.ask() is None:
            assert is_close(search.window.high_ns, 10 * MS)
            luck, search.repeats = False, 4
    assert is_close(search.window.high_ns, 30 * MS)


@pytest.mark.parametrize("failing_ms", [850, 1_000, 1_900])
def test_windows_that_come_again_are_told_apart(failing_ms: int) -> None:
    """A timer of a second: it fails in the last 0.3 s before each."""
    search = WindowSearch(with_value, failing_ms * MS, (100 * MS,), HIGHEST_NS, 1)
    while (edits := search.ask()) is not None:
        at_ms = edits[0].value_ns / MS
        fails = at_ms % 1_000 >= 700 or (at_ms > 0 and at_ms % 1_000 == 0)
        search.tell(edits, Verdict.FAIL if fails else Verdict.PASS)
    low_ms = 1_700 if failing_ms > 1_000 else 700
    assert is_close(search.window.low_ns, low_ms * MS)
    assert is_close(search.window.high_ns, (low_ms + 300) * MS)
    assert low_ms * MS <= search.innermost_ns <= (low_ms + 300) * MS


def test_it_fails_most_surely_at_a_value_that_failed_in_the_middle() -> None:
    search = WindowSearch(with_value, 0, (500 * MS,), HIGHEST_NS, 1)
    tried = set()
    while (edits := search.ask()) is not None:
        tried.add(edits[0].value_ns)
        verdict = Verdict.FAIL if edits[0].value_ns <= 400 * MS else Verdict.PASS
        search.tell(edits, verdict)
    assert search.innermost_ns in tried
    assert 100 * MS <= search.innermost_ns <= 300 * MS
