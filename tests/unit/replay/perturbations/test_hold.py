import pytest

from replay.perturbations import Hold
from tests.unit.replay.captures import MS
from tests.unit.replay.perturbations.sessions import PLAN, played, sent_ms


def test_what_was_held_comes_at_once_when_released() -> None:
    usual, held = sent_ms(played()), sent_ms(played(Hold("c1", 2, 100 * MS)))
    assert held["b"] == pytest.approx(usual["b"] + 100)
    assert held["b"] == held["c"] == held["d"]


def test_what_comes_after_the_release_keeps_its_time() -> None:
    usual, held = sent_ms(played()), sent_ms(played(Hold("c1", 2, 15 * MS)))
    assert held["c"] == held["b"] == pytest.approx(usual["b"] + 15)
    assert held["d"] == pytest.approx(usual["d"])


def test_a_message_that_waits_for_an_answer_is_not_there_to_be_held() -> None:
    usual, held = sent_ms(played()), sent_ms(played(Hold("c1", 1, 100 * MS)))
    assert held["a"] == pytest.approx(usual["a"] + 100)
    assert held["b"] == pytest.approx(usual["b"] + 100)


def test_the_other_connection_goes_on() -> None:
    assert sent_ms(played(Hold("c1", 2, 100 * MS)), "c2") == sent_ms(played(), "c2")


def test_held_for_no_time_is_as_recorded() -> None:
    assert Hold("c1", 2, 5).recorded_ns(PLAN) == 0
    assert sent_ms(played(Hold("c1", 2, 0))) == sent_ms(played())
