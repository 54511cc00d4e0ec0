"""Charts of a hunt: how the failure depends on the gap, a failing run beside a passing one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd

from capture.charts import (
    WIDTH,
    Chart,
    finished,
    lane_axis,
    marks_table,
    merge_close,
    points,
    time_axis,
)
from capture.format.model import Capture
from replay.lateness import Lateness, summary_of
from replay.statistics import Rate
from replay.tables import AS_RECORDED, CHANGED, lateness_table

FAILING, PASSING, SHADE, EDGE = "#D55E00", "#0072B2", "#F6D9C6", "#A34700"
HEIGHT = 260
# Beyond this ratio of the largest gap to the window, a linear axis leaves no room for the window.
LINEAR_UP_TO = 15


@dataclass(frozen=True, slots=True)
class Aligned:
    """A run to draw: its time 0 is `anchor_ns`; `moved_ns` is when the moved step was taken."""

    label: str
    run: Capture
    anchor_ns: int
    moved_ns: int | None


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that two runs do not share: in the run of `label`, at `at_ns` there."""

    label: str
    connection: str
    at_ns: int
    what: str


def dose_response(doses: pd.DataFrame, low_ns: int | None, high_ns: int | None, what: str) -> Chart:
    """Draw the share of failing runs against the gap; `what` says of which step after what.

    The failing window is shaded; an edge that was not found is not drawn.
    """
    table = doses.assign(
        gap_ms=doses["gap_ns"] / 1e6,
        share=doses["failures"] / doses["runs"].clip(lower=1),
        label=doses["failures"].astype(str) + " of " + doses["runs"].astype(str),
    )
    x = _gap_axis(table, high_ns, what)
    colour = alt.Color(
        "how:N", legend=alt.Legend(title="timing", orient="bottom", symbolOpacity=1)
    ).scale(domain=[CHANGED, AS_RECORDED], range=[FAILING, PASSING])
    base = alt.Chart(table).encode(x=x, color=colour)
    y = alt.Y("share:Q", axis=_share_axis()).scale(domain=[-0.04, 1.04])
    most = max(2, int(table["runs"].max())) if len(table) else 2
    chart = alt.layer(
        *_shaded(low_ns, high_ns, x),
        base.mark_rule(strokeWidth=1.5, opacity=0.45).encode(y=alt.Y("low:Q"), y2="high:Q"),
        base.mark_point(filled=True, opacity=1).encode(
            y=y,
            shape=alt.Shape("how:N", legend=alt.Legend(title="timing")).scale(
                domain=[CHANGED, AS_RECORDED], range=["circle", "diamond"]
            ),
            size=alt.Size("runs:Q", legend=None).scale(domain=[1, most], range=[60, 260]),
            tooltip=["gap_ms:Q", "label:N", "how:N"],
        ),
    ).properties(width=WIDTH, height=HEIGHT)
    text = f"shaded: the failing window, {_span(low_ns, high_ns)}; {_split(doses, low_ns, high_ns)}"
    subtitle = [text, "a larger point stands for more runs"]
    return finished(chart, "How the failure depends on the gap", subtitle, f"{what}: {text}")


def before_after(
    passing: Aligned, failing: Aligned, anchor: str, moved: str, difference: Difference | None
) -> Chart:
    """Draw two runs on one time axis that begins at the anchor; a ring marks where they part."""
    runs = (passing, failing)
    begin_ms, end_ms = _focus(runs, difference)
    tables = [_lanes(each) for each in runs]
    together = pd.concat(tables, ignore_index=True)
    shown = together[together["at_ms"].between(begin_ms, end_ms)]
    named = sorted(set(shown["connection"]) - {""}) or [""]
    lanes = [lane for table in tables for lane in _lane_names(table, named)]
    shown = shown[shown["lane"].isin(lanes)]
    x = time_axis(f"time since {anchor} (ms)")
    x = x.scale(domain=[begin_ms, end_ms], nice=False)
    layers = [
        alt.Chart(pd.DataFrame({"at_ms": [0.0]})).mark_rule(strokeDash=[5, 3]).encode(x=x),
        points(merge_close(shown), x, lanes),
        _moved_marks(runs, moved, lanes, x),
        *_ring(runs, difference, lanes, x),
    ]
    chart = alt.layer(*layers).properties(width=WIDTH, height=30 * len(lanes))
    hidden = len(together) - len(shown)
    subtitle = [
        "ring, the first difference: " + ("none" if difference is None else difference.what)
    ]
    subtitle += [f"{hidden} events outside this stretch of time are not drawn"] * bool(hidden)
    title = "A passing and a failing run"
    return finished(chart, title, subtitle, f"{title}, time 0 at {anchor}. " + ". ".join(subtitle))


def send_lateness(late_ns: Sequence[int]) -> Chart:
    """Draw how many sends went out how late, with the median and the 99th percentile."""
    table = lateness_table(late_ns)
    table = table.assign(from_ms=table["from_ns"] / 1e6, to_ms=table["to_ns"] / 1e6)
    lowest = float(table["from_ms"].min()) if len(table) else 0.1
    highest = max(10 * lowest, float(table["to_ms"].max()) if len(table) else 1.0)
    scale = alt.Scale(type="log", nice=False, domain=[lowest, highest])
    x = alt.X("from_ms:Q", scale=scale).title("sent later than planned by (ms, logarithmic)")
    y = alt.Y("sends:Q", axis=alt.Axis(title="sends", format="d", tickCount=4))
    bars = alt.Chart(table).mark_rect(color=PASSING, stroke="white")
    figures = summary_of(late_ns)
    lines = alt.Chart(_figure_marks(figures, float(table["sends"].max()) if len(table) else 0.0))
    chart = alt.layer(
        bars.encode(x=x, x2="to_ms:Q", y=y, y2=alt.datum(0)),
        lines.mark_rule(color=FAILING, strokeDash=[5, 3], strokeWidth=1.5).encode(x=x),
        lines.mark_text(align="left", dx=5, color=EDGE, fontSize=12).encode(
            x=x, y=y, text="label:N"
        ),
    ).properties(width=WIDTH, height=130)
    title = "How punctual the replay was"
    text = "no send was planned" if figures is None else str(figures)
    return finished(chart, title, [text], f"{title}: {text}")


def rate_intervals(rates: Mapping[str, Rate]) -> Chart:
    """Draw how often each kind of run fails, with its exact interval."""
    table = pd.DataFrame(
        {
            "which": list(rates),
            "share": [r.failures / r.runs if r.runs else None for r in rates.values()],
            "low": [r.low for r in rates.values()],
            "high": [r.high for r in rates.values()],
            "label": [f"{r.failures} of {r.runs}" for r in rates.values()],
        }
    )
    axis = _share_axis()
    x = alt.X("share:Q", axis=axis).scale(domain=[0, 1], nice=False)
    y = alt.Y(
        "which:N",
        sort=list(rates),
        axis=alt.Axis(title=None, labelLimit=260, ticks=False, labelPadding=16, minExtent=200),
    )
    base = alt.Chart(table)
    chart = alt.layer(
        base.mark_rule(strokeWidth=6, opacity=0.35, color=PASSING).encode(
            x=alt.X("low:Q", axis=axis), x2="high:Q", y=y
        ),
        base.mark_point(filled=True, size=110, opacity=1, color=PASSING).encode(x=x, y=y),
        base.mark_text(dy=-13, fontSize=12).encode(x=x, y=y, text="label:N"),
    ).properties(width=WIDTH - 120, height=46 * max(1, len(rates)))
    text = "; ".join(f"{name}: {each}" for name, each in rates.items())
    return finished(chart, "How often it fails", ["with exact 95 % intervals"], text)


def _figure_marks(figures: Lateness | None, top: float) -> pd.DataFrame:
    """Return where the median and the 99th percentile stand, their names one below the other."""
    marked = [] if figures is None else [("median", figures.median_ns), ("p99", figures.p99_ns)]
    rows = [
        {
            "from_ms": max(value_ns, 1_000) / 1e6,
            "label": f"{name} {value_ns / 1e6:.2f} ms",
            "sends": top * height,
        }
        for (name, value_ns), height in zip(marked, (1.0, 0.85), strict=False)
    ]
    return pd.DataFrame(rows, columns=["from_ms", "label", "sends"])


def _share_axis() -> alt.Axis:
    return alt.Axis(format="%", title="share of runs that fail (with 95 % interval)", tickCount=5)


def _gap_axis(table: pd.DataFrame, high_ns: int | None, what: str) -> alt.X:
    """Return the axis of the gaps; one that bends where a linear one would hide the window."""
    largest = float(table["gap_ms"].max()) if len(table) else 1.0
    edge_ms = largest if high_ns is None else high_ns / 1e6
    x = alt.X("gap_ms:Q", axis=alt.Axis(title=what, labelOverlap="greedy", tickCount=10))
    if largest <= LINEAR_UP_TO * max(edge_ms, 0.001):
        return x.scale(nice=False, padding=14, domainMin=0)
    return x.scale(type="symlog", constant=max(edge_ms / 2, 0.1), nice=False, padding=14)


def _shaded(low_ns: int | None, high_ns: int | None, x: alt.X) -> list[alt.Chart]:
    """Draw the window and name its edges; what is open on a side is not shaded."""
    edges = [value / 1e6 for value in (low_ns, high_ns) if value is not None]
    if not edges:
        return []
    labels = pd.DataFrame({"gap_ms": edges, "label": [f"{edge:.1f} ms" for edge in edges]})
    layers = []
    if low_ns is not None and high_ns is not None:
        area = pd.DataFrame({"gap_ms": [low_ns / 1e6], "end_ms": [high_ns / 1e6]})
        layers.append(alt.Chart(area).mark_rect(color=SHADE).encode(x=x, x2="end_ms:Q"))
    lines = alt.Chart(labels)
    # Above the frame, where no interval runs through them.
    names = lines.mark_text(align="center", y=-8, color=EDGE, fontSize=12)
    return [
        *layers,
        lines.mark_rule(color=EDGE, strokeDash=[4, 3]).encode(x=x),
        names.encode(x=x, text="label:N"),
    ]


def _split(doses: pd.DataFrame, low_ns: int | None, high_ns: int | None) -> str:
    """Return how many runs fail in the window and outside it."""
    gaps = doses["gap_ns"]
    inside = (gaps >= (low_ns if low_ns is not None else gaps.min())) & (
        gaps <= (high_ns if high_ns is not None else gaps.max())
    )
    shares = (doses[inside], doses[~inside])
    fails, misses = (f"{part['failures'].sum()} of {part['runs'].sum()}" for part in shares)
    return f"{fails} runs fail in it, {misses} outside"


def _span(low_ns: int | None, high_ns: int | None) -> str:
    low, high = ("?" if v is None else f"{v / 1e6:.1f}" for v in (low_ns, high_ns))
    return f"{low} to {high} ms"


def _lanes(aligned: Aligned) -> pd.DataFrame:
    table = marks_table(aligned.run, aligned.anchor_ns)
    return table.assign(lane=aligned.label + ": " + table["lane"])


def _lane_names(table: pd.DataFrame, connections: Sequence[str]) -> list[str]:
    """Return the lanes of a run in order, of the connections that are drawn."""
    mine = table[table["connection"].isin(connections)]
    return sorted(
        mine["lane"].unique(), key=lambda lane: (lane.split()[1], "\N{LEFTWARDS ARROW}" in lane)
    )


def _focus(runs: Sequence[Aligned], difference: Difference | None) -> tuple[float, float]:
    """Return the stretch of time that shows the anchor, the moved step and where the runs part."""
    moments = [0]
    for each in runs:
        if each.moved_ns is not None:
            moments.append(each.moved_ns - each.anchor_ns)
        if difference is not None and difference.label == each.label:
            moments.append(difference.at_ns - each.anchor_ns)
    begin, end = min(moments) / 1e6, max(moments) / 1e6
    margin = max(0.35 * (end - begin), 1.0)
    return begin - margin, end + margin


def _moved_marks(runs: Sequence[Aligned], moved: str, lanes: Sequence[str], x: alt.X) -> alt.Chart:
    """Name the step that was moved, at its mark."""
    rows = [
        {"at_ms": (each.moved_ns - each.anchor_ns) / 1e6, "lane": lane, "label": moved}
        for each in runs
        for lane in lanes
        if each.moved_ns is not None and lane.startswith(f"{each.label}: {moved.split()[0]} →")
    ]
    table = pd.DataFrame(rows, columns=["at_ms", "lane", "label"])
    chart: alt.Chart = (
        alt.Chart(table)
        .mark_text(dy=-12, fontSize=12, color=EDGE)
        .encode(x=x, y=lane_axis(lanes), text="label:N")
    )
    return chart


def _ring(
    runs: Sequence[Aligned], difference: Difference | None, lanes: Sequence[str], x: alt.X
) -> list[alt.Chart]:
    """Draw a ring around what only one of the runs has."""
    if difference is None:
        return []
    anchor_ns = next(each.anchor_ns for each in runs if each.label == difference.label)
    lane = f"{difference.label}: {difference.connection} \N{LEFTWARDS ARROW} server"
    table = pd.DataFrame({"at_ms": [(difference.at_ns - anchor_ns) / 1e6], "lane": [lane]})
    ring = alt.Chart(table).mark_point(size=420, strokeWidth=2.5, color=FAILING, filled=False)
    return [ring.encode(x=x, y=lane_axis(lanes))]
