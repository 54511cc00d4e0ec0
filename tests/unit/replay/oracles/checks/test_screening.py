from replay.oracles.checks.outcome import Outcome, cannot_tell, verdict_of
from replay.oracles.checks.screening import set_aside
from replay.oracles.verdict import Symptom, SymptomKind

PASS = Outcome("order", verdict_of([], "fine"))
FAIL = Outcome("order", verdict_of([Symptom(SymptomKind.REORDERED, "c1: 2 after 3")], "5 seen"))
UNKNOWN = Outcome("order", cannot_tell("nothing there"))


def test_a_check_that_holds_without_any_change_may_accuse_one() -> None:
    assert set_aside([(PASS,), (PASS,)]) == {}


def test_one_that_fails_by_itself_even_once_may_not() -> None:
    assert set_aside([(PASS,), (FAIL,), (PASS,)]) == {
        "order": "the check order fails without any change, in 1 of 3 unperturbed runs, so timing "
        "is not accused of it: c1: 2 after 3; 5 seen"
    }


def test_one_that_can_never_tell_would_hide_everything_else() -> None:
    assert set_aside([(UNKNOWN,), (UNKNOWN,)]) == {
        "order": "the check order could not tell in any unperturbed run, so it was left out: "
        "nothing there"
    }
    assert set_aside([(UNKNOWN,), (PASS,)]) == {}


def test_without_checks_there_is_nothing_to_say() -> None:
    assert set_aside([(), ()]) == {}
