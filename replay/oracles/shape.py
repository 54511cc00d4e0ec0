"""What stays the same in a message from run to run: its structure, and the values that never vary.

A JSON message is a skeleton (paths and types) with leaves; any other text is its words, where what
looks like an id, a number or a time is a leaf; a binary message is one leaf.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capture.message_kind import NAMING_FIELDS, without_ids
from capture.messages import Message

# Values that differ from run to run even where a few runs happened to agree.
_VOLATILE = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*|\d{10,}(\.\d+)?|\d+\.\d{3,}"
    # Secrets are numbered as they come, which is another order in another run.
    r"|.*\{\{deadheat:[a-z]+:s\d+\}\}.*"
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-.*|[0-9a-fA-F]{16,}|(?=\S*\d)(?=\S*[A-Za-z])[\w-]{20,}"
)

_PREFIX = re.compile(r"(4[0-6](?:\d-)?(?:/[\w-]+,)?|[0-356])(\d*)(?=[\[{])")

Leaves = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A message taken apart: what it is built like, and its values by path."""

    skeleton: str
    leaves: Leaves


# In place of a text of which no two runs have the same.
ANY_TEXT = "any text"

Template = tuple[str, Leaves]
"""A skeleton with the leaves that do not vary: messages of one template are the same message."""


def shape_of(message: Message) -> Shape:
    """Take a message apart."""
    if not message.is_text:
        return Shape("binary", (("", message.payload.hex()),))
    # engine.io and socket.io put digits before their JSON: what it is, and a number that varies.
    prefix = _PREFIX.match(message.text)
    kind, number = prefix.groups() if prefix else ("", "")
    try:
        decoded = json.loads(message.text[len(kind) + len(number) :])
    except ValueError:
        words, values = without_ids(message.text)
        return Shape(
            "text " + words, tuple((f"#{number}", value) for number, value in enumerate(values))
        )
    leaves = tuple(_leaves(decoded, "$"))
    paths = " ".join(sorted({f"{path}:{type_}" for path, type_, _ in leaves}))
    found = tuple((path, value) for path, _, value in leaves)
    if not prefix:
        return Shape(f"json {paths}", found)
    return Shape(f"json {kind} {paths}", (("$number", number), *found))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401  any JSON
    """Yield path, type and value; the items of a list share one path, as lists grow."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _leaves(child, f"{path}.{name}")
    elif isinstance(value, list):
        for child in value:
            yield from _leaves(child, f"{path}[]")
    else:
        kind = "number" if isinstance(value, float) else type(value).__name__
        yield path, "number" if kind == "int" else kind, json.dumps(value)


@dataclass(frozen=True, slots=True)
class Normaliser:
    """Learns from equal runs which leaves vary, and makes templates without them."""

    _stable: frozenset[tuple[str, str]] = frozenset()
    # The texts that all runs have, where each run has others, too; None where none has.
    _usual_texts: frozenset[str] | None = None

    @classmethod
    def learned(cls, runs: Sequence[Iterable[Shape]], more: Iterable[Shape] = ()) -> Normaliser:
        """Return a normaliser for messages like those of `runs`, and for `more` that may come."""
        kept = [list(run) for run in runs]
        by_run = [_values_by_leaf(run) for run in kept]
        stable = set()
        for leaf in {leaf for values in by_run for leaf in values}:
            # How often a value came may vary, with pushes that come at their own times.
            seen = [values.get(leaf, set()) for values in by_run]
            everywhere = all(values == seen[0] for values in seen)
            if everywhere and not any(_is_volatile(value) for value in seen[0]):
                stable.add(leaf)
        stable -= {
            (shape.skeleton, path)
            for shape in more
            for path, value in shape.leaves
            if all(value not in values.get((shape.skeleton, path), ()) for values in by_run)
        }
        texts = [{shape.skeleton for shape in run if _is_text(shape.skeleton)} for run in kept]
        usual = frozenset.intersection(*map(frozenset, texts)) if texts else frozenset[str]()
        all_vary = bool(texts) and all(own - usual for own in texts)
        return cls(frozenset(stable), usual if all_vary else None)

    def template(self, shape: Shape) -> Template:
        """Return a message without what varies."""
        usual = self._usual_texts
        if usual is not None and _is_text(shape.skeleton) and shape.skeleton not in usual:
            return ANY_TEXT, ()
        kept = ((path, value) for path, value in shape.leaves if self.is_stable(shape, path))
        return shape.skeleton, tuple(kept)

    def is_stable(self, shape: Shape, path: str) -> bool:
        """Whether the value at a path was the same in all runs."""
        return (shape.skeleton, path) in self._stable


def _is_text(skeleton: str) -> bool:
    return skeleton.startswith("text ")


def _values_by_leaf(shapes: Iterable[Shape]) -> Mapping[tuple[str, str], set[str]]:
    values: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for shape in shapes:
        for path, value in shape.leaves:
            values[shape.skeleton, path].add(value)
    return values


def _is_volatile(value: str) -> bool:
    return _VOLATILE.fullmatch(value.strip('"')) is not None


def describe(template: Template) -> str:
    """Return a template as a person reads it."""
    skeleton, leaves = template
    if skeleton == ANY_TEXT:
        return "a text that is another one each time"
    if _is_text(skeleton):
        return f"text {skeleton.removeprefix('text ')[:80]!r}"
    if skeleton == "binary":
        return f"a binary message {leaves[0][1][:32]}" if leaves else "a binary message"
    named = {path.removeprefix("$.").removeprefix("$"): value for path, value in leaves}
    for name in NAMING_FIELDS:
        if name in named:
            return f"the {name}={named[name]} message"
    shown = ", ".join(f"{path}={value}" for path, value in list(named.items())[:3])
    paths = ", ".join(part.partition(":")[0].removeprefix("$.") for part in skeleton.split()[1:5])
    return f"the message with {shown}" if shown else f"the message with {paths}"
