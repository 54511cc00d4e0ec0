from __future__ import annotations

import pytest

from local_staging.chat_backend.calculator import CannotCalculate, calculate


@pytest.mark.parametrize(
    ("expression", "result"),
    [("2 + 3 * 4", 14), ("(2 + 3) * 4", 20), ("7 / 2", 3.5), ("7 // 2", 3), ("-3 + +5 % 4", -2)],
)
def test_calculates(expression: str, result: float) -> None:
    assert calculate(expression, None) == result


def test_last_is_the_result_before() -> None:
    assert calculate("last * 2", 21) == 42
    assert calculate("last + 1", 0) == 1


@pytest.mark.parametrize(
    ("expression", "reason"),
    [("1 / 0", "zero"), ("last + 1", "no last result"), ("2 ** 3", "expected"), ("a + 1", "exp")],
)
def test_says_why_it_cannot(expression: str, reason: str) -> None:
    with pytest.raises(CannotCalculate, match=reason):
        calculate(expression, None)


def test_last_does_not_explode() -> None:
    assert calculate("last * last", 10**100) == 10**200
    with pytest.raises(CannotCalculate, match="too large"):
        calculate("last * last", 10**200)
