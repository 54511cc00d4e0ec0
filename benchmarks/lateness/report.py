"""The samples as tables: of each row the calmest measurement, and what it has to meet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from benchmarks.lateness.measure import Sample

OURS = "deadheat"
MOST_P99_US = 100.0
OF_TARGET_PER_S = 1_000
HEAD = (
    f"{'load':26} {'sender':20} {'p50 µs':>8} {'p99 µs':>8} {'worst µs':>9} {'early':>6} "
    f"{'others':>6} {'stolen':>6} {'load':>5}"
)


def calmest(samples: Iterable[Sample]) -> Sample:
    """Return the measurement during which others and the host took least; its figures count not."""
    return min(samples, key=lambda sample: sample.busy.others + sample.busy.stolen)


def grouped(samples: Iterable[Sample]) -> dict[tuple[str, str], list[Sample]]:
    """Return the samples by load and sender, in the order of their first."""
    groups: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        groups.setdefault((str(sample.load), sample.sender), []).append(sample)
    return groups


def line(sample: Sample) -> str:
    """Return one measurement as a line under HEAD."""
    row = sample.row()
    if "p50_us" not in row:
        return f"{sample.load!s:26} {sample.sender:20} nothing came"
    lost = f"  {sample.lost} LOST" if sample.lost else ""
    turns = f"  {sample.out_of_turn} out of turn" if sample.out_of_turn else ""
    return (
        f"{sample.load!s:26} {sample.sender:20} {row['p50_us']:8.0f} {row['p99_us']:8.0f} "
        f"{row['worst_us']:9.0f} {row['early']:6} {sample.busy.others:6.2f} "
        f"{sample.busy.stolen:6.2f} {sample.busy.load:5.2f}{lost}{turns}"
    )


def cost(sample: Sample) -> str:
    """Return what the process of a measurement took, as a cell."""
    return f"{sample.told['cpu_s']:.1f} s CPU, {sample.told['peak_mib']:.0f} MiB"


def wrongs(samples: Iterable[Sample], *, on_wire: bool) -> Iterator[str]:
    """Yield what must not be, however busy the machine is."""
    for sample in samples:
        if sample.sender.startswith(OURS):
            # A server that reads one connection after the other does not tell their order.
            turns = sample.out_of_turn if on_wire else 0
            for count, what in (
                (sample.lost, "lost"),
                (sample.early, "early"),
                (turns, "misplaced"),
            ):
                if count:
                    yield f"{sample.load}, {sample.sender}: {count} sends were {what}"


def missed(samples: Sequence[Sample]) -> Iterator[str]:
    """Yield the targets that our calmest measurements miss."""
    for (load, sender), group in grouped(samples).items():
        best = calmest(group)
        if sender.startswith(OURS) and best.load.per_s == OF_TARGET_PER_S and is_judged(best):
            p99_us = best.row().get("p99_us", float("inf"))
            if p99_us > MOST_P99_US:
                busy = best.busy.others + best.busy.stolen
                yield (
                    f"{load}, {sender}: p99 is {p99_us:.0f} µs, expected at most "
                    f"{MOST_P99_US:.0f}; others kept {busy:.2f} cores busy meanwhile"
                )


def is_judged(sample: Sample) -> bool:
    """Whether the target is about it: the engine by the clock, as the command runs it."""
    return sample.sender in (OURS, f"{OURS}, recorded")


def document(samples: Iterable[Sample]) -> list[dict[str, Any]]:
    """Return every measurement, for the JSON."""
    return [sample.row() for sample in samples]
