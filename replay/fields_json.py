"""The fields of an edit or a fault as JSON: under their own names, times in milliseconds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from replay.errors import PlanError
from replay.events import After

MOST_MS = 1e9
# Written for every edit, whether it is one of its fields or follows from them.
OF_EVERY_EDIT = ("perturbation", "connection", "step")


def fields_to_json(
    edit: Any,  # noqa: ANN401  any dataclass
    besides: Collection[str] = (),
) -> dict[str, Any]:
    """Return the fields that are not as by default, `besides` some."""
    return {
        _json_name(each): _to_json(each, value)
        for each in fields(edit)
        if each.name not in besides and (value := getattr(edit, each.name)) != each.default
    }


def fields_from_json(
    cls: Any,  # noqa: ANN401
    edit: Mapping[str, Any],
    besides: Collection[str] = (),
) -> dict[str, Any]:
    """Return the fields of a dataclass, read and checked, `besides` some. Raises PlanError."""
    known = {_json_name(each): each for each in fields(cls) if each.name not in besides}
    for name in edit:
        if name not in known and name not in OF_EVERY_EDIT:
            expected = f"only {', '.join(known)}" if known else "no settings"
            raise PlanError(f"the {cls.name} {cls.noun} has {name!r}, expected {expected}")
    for name, each in known.items():
        if name not in edit and each.default is MISSING:
            what = f"the {cls.name} {cls.noun} {dict(edit)}"
            raise PlanError(f"{what} has no {name!r}, which it needs")
    return {
        each.name: _from_json(f"the {cls.name} {cls.noun} has {name}", each, edit[name])
        for name, each in known.items()
        if name in edit
    }


def _json_name(each: Field[Any]) -> str:
    return f"{each.name[:-3]}_ms" if _is_time(each) else each.name


def _is_time(each: Field[Any]) -> bool:
    return each.name.endswith("_ns")


def _to_json(each: Field[Any], value: Any) -> Any:  # noqa: ANN401  any JSON
    if isinstance(value, After):
        return str(value)
    if _is_time(each) and value is not None:
        return value / 1e6
    return [list(pair) for pair in value] if isinstance(value, tuple) else value


def _from_json(where: str, each: Field[Any], value: Any) -> Any:  # noqa: ANN401  any JSON
    kind = str(each.type)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is None and kind.endswith("None"):
        return None
    if _is_time(each):
        if is_number and abs(value) < MOST_MS:
            return round(value * 1e6)
        raise PlanError(f"{where} {value!r}, expected a number of milliseconds")
    if kind.startswith("After"):
        return After.parse(str(value))
    if kind.startswith("tuple"):
        return _steps(where, value)
    if kind.startswith("float") and is_number:
        return float(value)
    if kind.startswith("int") and is_number and isinstance(value, int):
        return value
    if kind.startswith("str") and isinstance(value, str):
        return value
    expected = {"f": "a number", "i": "a whole number", "s": "a text"}[kind[0]]
    raise PlanError(f"{where} {value!r}, expected {expected}")


def _steps(where: str, value: Any) -> tuple[tuple[str, int], ...]:  # noqa: ANN401  any JSON
    match value:
        case [*pairs] if all(_is_step(pair) for pair in pairs):
            return tuple((name, index) for name, index in pairs)
    raise PlanError(f'{where} {value!r}, expected a list of steps such as ["c1", 2]')


def _is_step(pair: Any) -> bool:  # noqa: ANN401  any JSON
    match pair:
        case [str(), int()]:
            return not isinstance(pair[1], bool)
    return False
