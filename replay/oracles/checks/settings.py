"""The settings of a check as JSON and as the text that a shell takes: its fields are its settings.

A field `within_ns` is `within=2s` in text and `"within_ms": 2000` in JSON. A comma starts a new
setting only where the name of one and `=` follow it, so that lists and regular expressions may have
commas.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, get_type_hints

from replay.errors import CheckError
from replay.oracles.checks.field import Field
from replay.oracles.checks.observed import Observed
from replay.oracles.checks.selector import Selector
from replay.oracles.verdict import Judgement

if TYPE_CHECKING:
    from dataclasses import Field as DataclassField

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s)")
_KEY = re.compile(r"([a-z_]+)=")
_YES = {"yes": True, "no": False}


class Checking(Protocol):
    """What every check is: a frozen dataclass with a name; `first` needs no name in text."""

    __dataclass_fields__: ClassVar[dict[str, DataclassField[Any]]]
    name: ClassVar[str]
    first: ClassVar[str]

    def judge(self, seen: Observed) -> Judgement:
        """Return what it came to."""


C = TypeVar("C", bound=Checking)


def from_text(kind: type[C], text: str) -> C:
    """Build a check from its settings in text. Raises CheckError."""
    values: dict[str, Any] = {}
    for key, raw in _split(kind, text):
        if key in values:
            raise CheckError(f"{kind.name} has {key} twice")
        values[key] = _understood(kind, key, raw, _setting(kind, key).form.from_text)
    return _built(kind, values)


def from_json(kind: type[C], content: Mapping[str, Any]) -> C:
    """Build a check from its settings in JSON. Raises CheckError."""
    by_key = {setting.json_key: setting for setting in settings_of(kind).values()}
    values = {}
    for key, raw in content.items():
        if key not in by_key:
            raise CheckError(f"{kind.name} has no setting {key!r}, {_known(by_key)}")
        values[by_key[key].field] = _understood(kind, key, raw, by_key[key].form.from_json)
    return _built(kind, values)


def to_json(check: Checking) -> dict[str, Any]:
    """Return the settings that are not as usual."""
    return {setting.json_key: setting.form.to_json(value) for setting, value in _changed(check)}


def to_text(check: Checking) -> str:
    """Return the settings that are not as usual, as `from_text` reads them."""
    parts: list[str] = []
    for setting, value in _changed(check):
        written = setting.form.to_text(value)
        # What looks like a setting has to have its name.
        is_plain = setting.key == check.first and not parts and not _KEY.match(written)
        parts.append(written if is_plain else f"{setting.key}={written}")
    return ",".join(parts)


@dataclass(frozen=True, slots=True)
class Form:
    """How a value is read from text and JSON, and written."""

    from_text: Callable[[str], Any]
    to_text: Callable[[Any], str]
    from_json: Callable[[Any], Any]
    to_json: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of a check, with its names in text and in JSON."""

    field: str
    key: str
    json_key: str
    form: Form


@cache
def settings_of(kind: type[Checking]) -> dict[str, Setting]:
    """Return the settings of a kind of check, by their names in text."""
    hints = get_type_hints(kind)
    made = [_setting_of(each.name, hints[each.name]) for each in fields(kind) if each.init]
    return {setting.key: setting for setting in made}


def _setting_of(field: str, hint: Any) -> Setting:  # noqa: ANN401  a type
    if field.endswith("_ns"):
        key = field.removesuffix("_ns")
        return Setting(field, key, f"{key}_ms", _DURATION_FORM)
    if hint is bool:
        return Setting(field, field, field, _YES_OR_NO)
    lists: dict[Any, type] = {tuple[int, ...]: int, tuple[Selector, ...]: Selector}
    if hint in lists:
        return Setting(field, field, field, _list_of(lists[hint]))
    made = next((kind for kind in (Field, Selector) if hint in (kind, kind | None)), str)
    return Setting(field, field, field, _text_of(made))


def _list_of(item: type) -> Form:
    plain = int if item is int else str
    return Form(
        from_text=lambda text: tuple(_item(item, part) for part in text.split(",")),
        to_text=lambda items: ",".join(map(str, items)),
        from_json=lambda items: tuple(item(_of(plain, each)) for each in _of(list, items)),
        to_json=lambda items: [plain(each) for each in items],
    )


def _text_of(made: type) -> Form:
    return Form(made, str, lambda text: made(_of(str, text)), str)


def _split(kind: type[Checking], text: str) -> Iterator[tuple[str, str]]:
    """Yield the settings in a text, each with its name."""
    known = settings_of(kind)
    key, raw = "", ""
    for part in text.split(",") if text else ():
        named = _KEY.match(part)
        if named is not None and named[1] in known:
            if key:
                yield key, raw
            key, raw = named[1], part[named.end() :]
        elif key:
            raw = f"{raw},{part}"
        elif kind.first:
            key, raw = kind.first, part
        else:
            raise CheckError(f"{kind.name} has no setting {part!r}, {_known(known)}")
    if key:
        yield key, raw


def _setting(kind: type[Checking], key: str) -> Setting:
    return next(s for s in settings_of(kind).values() if key in (s.key, s.field))


def _understood(
    kind: type[Checking],
    key: str,
    raw: Any,  # noqa: ANN401  any JSON
    read: Callable[[Any], Any],
) -> Any:  # noqa: ANN401  what the field holds
    try:
        return read(raw)
    except (CheckError, ValueError, TypeError, OverflowError) as error:
        shown = raw if isinstance(raw, str) else json.dumps(raw, default=str)
        raise CheckError(f"{kind.name}: {key} is {shown}: {error}") from None


def _built(kind: type[C], values: Mapping[str, Any]) -> C:
    named = {_setting(kind, key).field: value for key, value in values.items()}
    for each in fields(kind):
        if each.init and each.name not in named and each.default is MISSING:
            missing = _setting(kind, each.name)
            raise CheckError(f"{kind.name} needs {missing.key}, {_known(settings_of(kind))}")
    return kind(**named)


def _changed(check: Checking) -> Iterator[tuple[Setting, Any]]:
    defaults = {each.name: each.default for each in fields(check)}
    for setting in settings_of(type(check)).values():
        value = getattr(check, setting.field)
        if value != defaults[setting.field]:
            yield setting, value


def _known(names: Mapping[str, Setting]) -> str:
    return f"expected one of: {', '.join(names)}" if names else "it has none"


def _duration(text: str) -> int:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("expected a time such as 2s or 500ms")
    return round(float(match[1]) * (1e9 if match[2] == "s" else 1e6))


def _duration_of_ms(value_ms: Any) -> int:  # noqa: ANN401  any JSON
    if isinstance(value_ms, bool) or not isinstance(value_ms, int | float):
        raise TypeError("expected a number of milliseconds")
    return round(value_ms * 1e6)


def _duration_text(value_ns: int) -> str:
    unit, unit_ns = ("s", 1_000_000_000) if value_ns >= 1_000_000_000 else ("ms", 1_000_000)
    whole, rest = divmod(value_ns, unit_ns)
    decimals = f"{rest / unit_ns:.9f}"[1:].rstrip("0").rstrip(".")
    return f"{whole}{decimals}{unit}"


def _is_yes(text: str) -> bool:
    if text not in _YES:
        raise ValueError("expected yes or no")
    return _YES[text]


def _item(kind: type, text: str) -> Any:  # noqa: ANN401  what the list holds
    if kind is int and not text.isdecimal():
        raise ValueError(f"{text!r} is no whole number")
    return kind(text)


def _of(kind: type, value: Any) -> Any:  # noqa: ANN401  any JSON
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"expected {_IN_JSON[kind]}")
    return value


_IN_JSON = {str: "a text", int: "a whole number", list: "a list", bool: "true or false"}
_DURATION_FORM = Form(_duration, _duration_text, _duration_of_ms, lambda ns: ns / 1e6)
_YES_OR_NO = Form(
    from_text=_is_yes,
    to_text=lambda is_on: "yes" if is_on else "no",
    from_json=lambda is_on: _of(bool, is_on),
    to_json=bool,
)
