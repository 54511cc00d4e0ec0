"""Which messages a check looks at.

`all`; `type=chat` or `$.user.id=7` where a field has a value; `agent_started` where a message is
called that; `/regex/` where its text matches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from replay.errors import CheckError
from replay.oracles.checks.field import Field, pattern_in
from replay.oracles.checks.observed import Said

_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class Selector:
    """Selects messages. Raises CheckError when the text cannot be understood."""

    text: str

    def __post_init__(self) -> None:
        if pattern_in(self.text) is not None:
            return
        name, equals, value = self.text.partition("=")
        if not name or "," in self.text or value.startswith("$"):
            raise CheckError(
                f"{self.text!r} selects nothing, expected all, type=chat, a name or a /regex/"
            )
        if equals and not _NAME.fullmatch(name):
            Field(name)

    def __str__(self) -> str:
        return self.text

    def matches(self, said: Said) -> bool:
        """Whether a message is one of these."""
        pattern = pattern_in(self.text)
        if pattern is not None:
            return pattern.search(said.text) is not None
        name, equals, value = self.text.partition("=")
        if not equals:
            return name == "all" or name in (said.kind, said.kind.partition("=")[2])
        if said.kind == self.text:
            return True
        return value in Field(name if name.startswith("$") else f"$.{name}").keys(said)


ALL = Selector("all")
