"""A perturbation as a person reads it: its name, and the fields that say something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replay.perturbations.edit import Edit


def in_words(edit: Edit) -> str:
    """Return an edit in one line."""
    besides = (("perturbation", edit.name), ("connection", ""), ("step", 0))
    told = (item for item in edit.to_json().items() if item not in besides)
    return f"{edit.name}: " + ", ".join(f"{name} {_value(value)}" for name, value in told)


def _value(value: Any) -> str:  # noqa: ANN401 - whatever JSON has
    if isinstance(value, Mapping) and "name" in value:
        rest = ((name, set_) for name, set_ in value.items() if name != "name")
        settings = ",".join(f"{name}={_value(set_)}" for name, set_ in rest)
        return f"{value['name']}:{settings}" if settings else str(value["name"])
    return f"{value:g}" if isinstance(value, float) else str(value)
