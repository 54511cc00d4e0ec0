"""The rounds: every contestant under every load, one after the other, again and again."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.proxy import contestants, recording
from benchmarks.proxy.contestants import Standing
from benchmarks.proxy.lean_client import LeanClient
from benchmarks.proxy.library_client import LibraryClient
from benchmarks.proxy.loads import Load
from benchmarks.proxy.processes import cpu_s
from benchmarks.proxy.sample import Sample

DEADHEAT = "deadheat"


@dataclass(slots=True)
class Rounds:
    """What was measured, by load and contestant, one sample a round."""

    folder: Path
    standing: Mapping[str, Standing]
    warm_up_s: float
    seconds: float
    samples: dict[tuple[Load, str], list[Sample]] = field(default_factory=dict)

    def run(self, loads: tuple[Load, ...], number: int) -> None:
        """Measure one round; who goes first changes from round to round."""
        names = [*self.standing, DEADHEAT]
        first = number % len(names)
        for load in loads:
            for name in names[first:] + names[:first]:
                self.samples.setdefault((load, name), []).append(self._measure(load, name))

    def _measure(self, load: Load, name: str) -> Sample:
        kind = "lean" if load.ends == "lean" else "library"
        if name != DEADHEAT:
            at = self.standing[name]
            return self._drive(load, at.ports[kind], at.process_id, lambda: None)
        capture = self.folder / "round.capture"
        capture.unlink(missing_ok=True)
        lags: list[float] = []
        upstream = self.standing["direct"].ports[kind]
        with contestants.deadheat(self.folder, upstream, capture) as (port, process_id):
            drained = functools.partial(_append_lag, lags, capture)
            sample = self._drive(load, port, process_id, drained)
        sample.lag_ms = lags[0]
        sample.recorded = recording.count(capture, load.text)
        capture.unlink()
        if sample.recorded != sample.sent:
            raise RuntimeError(f"{sample.sent} messages were sent, {sample.recorded} recorded")
        return sample

    def _drive(
        self, load: Load, port: int, process_id: int | None, drained: Callable[[], None]
    ) -> Sample:
        client = LeanClient(port, load) if load.ends == "lean" else LibraryClient(port, load)
        before_s = 0.0 if process_id is None else cpu_s(process_id)
        sample = client.measure(self.warm_up_s, self.seconds, drained)
        if process_id is not None:
            # Over all messages, the warm-up's too: the processor time covers those.
            sample.cpu_us_per_message = (cpu_s(process_id) - before_s) * 1e6 / sample.sent
        return sample

    def of(self, load: Load) -> Iterator[tuple[str, list[Sample]]]:
        """Yield each contestant's samples under a load."""
        for name in (*self.standing, DEADHEAT):
            yield name, self.samples[load, name]


def _append_lag(lags: list[float], capture: Path) -> None:
    lags.append(recording.lag_ms(capture))
