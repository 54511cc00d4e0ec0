from dataclasses import replace

from benchmarks.real_bugs.hunting import Asked
from tests.unit.benchmarks.real_bugs.builds import CASE


def test_the_budget_is_the_hunt_s_own_unless_the_case_has_one() -> None:
    assert Asked().options(CASE)[:4] == ["--seed", "0", "--budget", "200"]
    assert "70" in Asked().options(replace(CASE, budget=70))


def test_what_is_asked_for_comes_first() -> None:
    asked = Asked(seed=4, budget=50).options(replace(CASE, budget=70))
    assert asked[:4] == ["--seed", "4", "--budget", "50"]
