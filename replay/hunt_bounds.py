"""What a hunt would take at most: runs, connections, time. Nothing is sent to find out."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from replay.engine.forecast import forecast
from replay.engine.live import CONNECT_TIMEOUT_S
from replay.examination import HIGHEST_NS, MOST_CONFIRMING_RUNS, SPREAD_RUNS, WINDOW_RUNS
from replay.experiment import LOG_SETTLE_S
from replay.hunt import HuntSettings
from replay.learning import (
    ALIKE_RUNS,
    LEARNING_RUNS,
    MAX_PATIENCE_S,
    SETTLE_LADDER_S,
    STRETCHED_RUNS,
)
from replay.limits import Limits
from replay.plan import Plan
from replay.search.sweep import Sweep

# Each rest but the last may turn out too short; a plan that is made anew is learnt anew.
MOST_LEARNING_RUNS = ALIKE_RUNS * (len(SETTLE_LADDER_S) - 1) + 2 * LEARNING_RUNS


@dataclass(frozen=True, slots=True)
class HuntBounds:
    """Upper bounds of a hunt, and how long it takes when the server answers as recorded."""

    plan: Plan
    settings: HuntSettings
    limits: Limits

    @property
    def runs(self) -> int:
        """How many runs at most; the baseline is finished even where the budget is less."""
        return max(self.settings.budget, MOST_LEARNING_RUNS)

    @property
    def connections(self) -> int:
        """How many connections are opened at most, over all runs; one of each may come back."""
        return self.runs * (len(self.plan.connections) + 1)

    @property
    def usual_s(self) -> float:
        """How long the runs take when the server answers as recorded and needs no rest."""
        run_s = forecast(self.plan).duration_ns / 1e9 + SETTLE_LADDER_S[0]
        return max(self.runs * run_s, self._paced_s)

    @property
    def most_s(self) -> float:
        """How long they take when the server never answers, and every gap is the longest tried."""
        steps = list(self.plan.steps())
        patience_s = self.settings.patience_s
        if patience_s is None:
            patience_s = MAX_PATIENCE_S
        waits_s = sum(patience_s + step.expected_wait_ns / 1e9 for step in steps)
        run_s = (
            forecast(self.plan).duration_ns / 1e9
            + 2 * HIGHEST_NS / 1e9
            + waits_s
            + len(self.plan.connections) * CONNECT_TIMEOUT_S
            + SETTLE_LADDER_S[-1]
            + LOG_SETTLE_S
        )
        return self.runs * run_s + self._paced_s

    @property
    def _paced_s(self) -> float:
        most = self.limits.max_runs_per_minute
        return 0.0 if most is None else max(0, self.runs - most) * 60 / most

    def stages(self) -> Iterator[tuple[str, int, str]]:
        """Yield each stage, its runs at most, and what it does."""
        budget = self.settings.budget
        if self.settings.edits:
            sweep = 0
        else:
            sweep = min(budget, Sweep(self.plan, chance=random.Random(self.settings.seed)).left)
        confirm = 0 if self.settings.edits else MOST_CONFIRMING_RUNS + SPREAD_RUNS
        window = 0 if self.settings.edits else WINDOW_RUNS
        rate = 2 * min(self.settings.rate_runs, budget // 2)
        yield "baseline", MOST_LEARNING_RUNS, f"{STRETCHED_RUNS} of {LEARNING_RUNS} are stretched"
        yield "sweep", sweep, "one change each, and a control after every eighth"
        yield "confirm", confirm, "the change that failed, again"
        yield "window", window, "about as many, to find the edges"
        yield "rate", rate, "the change and a control in turns"

    def to_json(self) -> dict[str, Any]:
        """Return the bounds as one object."""
        return {
            "event": "dry_run",
            "budget": self.settings.budget,
            "stages": [{"stage": stage, "runs_at_most": runs} for stage, runs, _ in self.stages()],
            "runs_at_most": self.runs,
            "connections_at_most": self.connections,
            "usual_s": round(self.usual_s, 3),
            "most_s": round(self.most_s, 3),
            "limits": str(self.limits),
        }

    def lines(self, target: str) -> Iterator[str]:
        """Yield the bounds as a person reads them."""
        yield f"dry run: nothing is sent ({target})"
        yield f"budget {self.settings.budget} runs; limits: {self.limits}"
        for stage, runs, what in self.stages():
            yield f"  {stage:<9} at most {runs:>4} runs  {what}"
        yield (
            f"at most {self.runs} runs and {self.connections} connections; "
            f"about {_spelled(self.usual_s)} if the server answers as recorded, "
            f"at most {_spelled(self.most_s)}"
        )


def _spelled(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
