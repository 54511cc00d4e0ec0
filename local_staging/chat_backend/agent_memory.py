"""What the agent of a user remembers from one run to the next."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field

from local_staging.chat_backend.calculator import Number

REMEMBERED_RUNS = 100


@dataclass(slots=True)
class AgentMemory:
    """The last result, and the latest runs."""

    last_result: Number | None = None
    run_ids: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED_RUNS))

    def to_json(self) -> str:
        """Return all of it as text."""
        return json.dumps({"last_result": self.last_result, "run_ids": list(self.run_ids)})

    def restore(self, text: str) -> None:
        """Become what `to_json` wrote."""
        known = json.loads(text)
        self.last_result = known["last_result"]
        self.run_ids.extend(known["run_ids"])
