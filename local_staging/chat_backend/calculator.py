"""Work out an arithmetic expression; `last` is the result before."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable

Number = int | float

# Short enough for any parser. There is no power operator to make numbers explode, but `last` may be
# multiplied again and again.
_LONGEST, _LARGEST = 100, 10**300
_BINARY: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


class CannotCalculate(Exception):
    """The expression has no result; the text says why."""


def calculate(expression: str, last: Number | None) -> Number:
    """Return the result. Raises CannotCalculate."""
    try:
        result = _evaluate(_parsed(expression), last)
    except ArithmeticError as error:
        raise CannotCalculate(str(error)) from None
    if not -_LARGEST <= result <= _LARGEST:
        raise CannotCalculate("the result is too large")
    return result


def _parsed(expression: str) -> ast.expr | None:
    if not 0 < len(expression) <= _LONGEST:
        return None
    try:
        return ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError):
        return None


def _evaluate(node: ast.expr | None, last: Number | None) -> Number:
    match node:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.Name(id="last"):
            if last is None:
                raise CannotCalculate("there is no last result yet")
            return last
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand, last)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _evaluate(operand, last)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_evaluate(left, last), _evaluate(right, last))
    raise CannotCalculate("expected numbers, + - * / // % and parentheses")
