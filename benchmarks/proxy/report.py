"""The samples as a table and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.proxy.loads import Load
from benchmarks.proxy.rounds import DEADHEAT, Rounds
from benchmarks.proxy.sample import Sample

PEER = "haproxy"
MOST_LATENCY = 1.3
LEAST_THROUGHPUT = 0.8


def summary(rounds: Rounds, loads: tuple[Load, ...]) -> list[dict[str, Any]]:
    """Return one row for each load and contestant: medians over the rounds."""
    return [
        _row(load, name, samples, dict(rounds.of(load)).get(PEER))
        for load in loads
        for name, samples in rounds.of(load)
    ]


def _row(load: Load, name: str, samples: list[Sample], peer: list[Sample] | None) -> dict[str, Any]:
    row: dict[str, Any] = {"ends": load.ends, "load": load.name, "proxy": name}
    row["rounds"] = len(samples)
    if load.is_latency:
        row["p50_us"] = _median(sample.percentile_us(50) for sample in samples)
        row["p99_us"] = _median(sample.percentile_us(99) for sample in samples)
    row["messages_per_s"] = _median(sample.per_s for sample in samples)
    row["mbytes_per_s"] = row["messages_per_s"] * len(load.text) / 1e6
    if samples[0].cpu_us_per_message is not None:
        row["cpu_us_per_message"] = _median(each.cpu_us_per_message or 0.0 for each in samples)
    ratios = _ratios(load, samples, peer or [])
    if ratios:
        row["rounds_to_haproxy"] = ratios
        row["to_haproxy"] = statistics.median(ratios)
    if name == DEADHEAT:
        row["recorded"] = sum(sample.recorded or 0 for sample in samples)
        row["sent"] = sum(sample.sent for sample in samples)
        row["lag_ms"] = max(sample.lag_ms or 0.0 for sample in samples)
        # Against ends of no weight the target would say little of what a user meets.
        if ratios and load.ends != "lean":
            meets = row["to_haproxy"] <= MOST_LATENCY
            row["meets"] = meets if load.is_latency else row["to_haproxy"] >= LEAST_THROUGHPUT
    return row


def _ratios(load: Load, samples: list[Sample], peer: list[Sample]) -> list[float]:
    """Return the ratio of each round in which something came back through both."""
    return [
        round(_measure(load, ours) / _measure(load, theirs), 3)
        for ours, theirs in zip(samples, peer, strict=bool(peer))
        if ours.messages and theirs.messages
    ]


def _measure(load: Load, sample: Sample) -> float:
    return sample.percentile_us(50) if load.is_latency else sample.per_s


def _median(values: Iterator[float]) -> float:
    return statistics.median(values)


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows for people."""
    lines = []
    previous = None
    for row in rows:
        if (head := f"{row['ends']} client and server, {row['load']}") != previous:
            previous = head
            lines += ["", head, f"  {'':10} {'p50 µs':>8} {'p99 µs':>8} {'msg/s':>9} "]
            lines[-1] += f"{'MB/s':>7} {'CPU µs/msg':>10} {'/ HAProxy':>9}"
        lines.append(_line(row))
    return "\n".join(lines)


def _line(row: Mapping[str, Any]) -> str:
    cells = [f"  {row['proxy']:10}"]
    for name, width, digits in (
        ("p50_us", 8, 0),
        ("p99_us", 8, 0),
        ("messages_per_s", 9, 0),
        ("mbytes_per_s", 7, 1),
        ("cpu_us_per_message", 10, 1),
        ("to_haproxy", 9, 2),
    ):
        value = row.get(name)
        cells.append(f"{'-':>{width}}" if value is None else f"{value:{width}.{digits}f}")
    if row["proxy"] == DEADHEAT:
        cells.append(f" recorded {row['recorded']} of {row['sent']}, lag {row['lag_ms']:.0f} ms")
        if "meets" in row:
            cells.append("" if row["meets"] else " MISSES TARGET")
    return " ".join(cells)
