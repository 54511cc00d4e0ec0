from replay.oracles.verdict import Verdict
from replay.search.exhausted import exhausted
from replay.search.sweep import Sweep
from replay.search.trace import NO_TRACE
from tests.unit.replay.search.plans import TALK


def swept(verdict: Verdict, first: Verdict = Verdict.PASS, most: int = 10_000) -> Sweep:
    sweep, asked = Sweep(TALK), 0
    while asked < most and (edits := sweep.ask()) is not None:
        sweep.tell(edits, verdict if asked else first)
        asked += 1
    return sweep


def test_nothing_is_exhausted_before_all_of_it_was_tried() -> None:
    without_pause = swept(Verdict.PASS).exhausted[0].changes
    assert not swept(Verdict.PASS, most=without_pause - 1).exhausted
    (only,) = swept(Verdict.PASS, most=without_pause).exhausted
    assert str(only) == f"every step without a pause ({without_pause} changes, none failed)"


def test_what_failed_is_counted() -> None:
    first, *others = swept(Verdict.PASS, first=Verdict.FAIL).exhausted
    assert first.to_json()["failed"] == 1
    assert len(others) == 2
    assert not any(each.failed for each in others)


def test_what_is_not_known_was_not_tried() -> None:
    assert not list(
        exhausted(
            TALK, NO_TRACE, dict.fromkeys(dict(swept(Verdict.PASS).told), Verdict.UNKNOWN), ()
        )
    )
