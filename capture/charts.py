"""Charts of a capture. A chart is a function that returns a specification; it draws nothing itself.

Rows are merged here, never the row limit lifted: what stands too close to be told apart becomes one
mark, and its size says how many events it stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd

from capture.format.model import Capture, Direction
from capture.tables import events_table
from capture.timeline import summary_line

MAX_ROWS = 4_000
"""Below altair's limit of 5,000, with room for the marks beside the events."""
MAX_CONNECTIONS = 12
WIDTH = 720
LANE_HEIGHT = 24
LABEL_WIDTH = 150
# So many slots of time fit the width before two marks of one lane touch.
SLOTS = 150
FEW = 60
TO_SERVER, TO_CLIENT = "\N{RIGHTWARDS ARROW} server", "\N{LEFTWARDS ARROW} server"
OTHERS = "server"

Chart = alt.Chart | alt.LayerChart


@dataclass(frozen=True, slots=True)
class Look:
    """How one kind of event is drawn."""

    kind: str
    colour: str
    shape: str


# Vega's own strokes have no area, so a filled mark would not show.
_CROSS = "M-1,-.7L-.7,-1L0,-.3L.7,-1L1,-.7L.3,0L1,.7L.7,1L0,.3L-.7,1L-1,.7L-.3,0Z"
# Colours that people with colour blindness tell apart (Okabe and Ito), and shapes that tell more.
LOOKS = (
    Look("open", "#009E73", "triangle-right"),
    Look("accepted", "#009E73", "triangle-left"),
    Look("refused", "#D55E00", "cross"),
    Look("text", "#0072B2", "circle"),
    Look("binary", "#E69F00", "square"),
    Look("continuation", "#56B4E9", "circle"),
    Look("ping", "#999999", "diamond"),
    Look("pong", "#999999", "triangle-up"),
    Look("close", "#CC79A7", "square"),
    Look("TCP close", "#000000", _CROSS),
    Look("gap", "#D55E00", "M-.4,-1.2L.4,-1.2L.4,1.2L-.4,1.2Z"),
    Look("app", "#8A6D00", "triangle-down"),
    Look("note", "#767676", "M-1,-.2L1,-.2L1,.2L-1,.2Z"),
)


def timeline(capture: Capture, title: str = "Timeline") -> Chart:
    """Draw every connection as two lanes, one a direction, with a mark for each kind of event.

    Beyond MAX_CONNECTIONS only the busiest are drawn, and the subtitle says how many are not.
    """
    shown, left_out = _busiest(capture)
    marks = marks_table(capture)
    marks = marks[marks["connection"].isin([*shown, ""])]
    lanes = [f"{name} {way}" for name in shown for way in (TO_SERVER, TO_CLIENT)]
    if (marks["lane"] == OTHERS).any():
        lanes.append(OTHERS)
    merged = merge_close(marks)
    x = time_axis("time since the first event (ms)")
    chart = alt.layer(
        _lives(marks).encode(x=x, x2="end_ms:Q", y=lane_axis(lanes)),
        points(merged, x, lanes),
    ).properties(width=WIDTH, height=LANE_HEIGHT * max(1, len(lanes)))
    subtitle = [summary_line(capture), *_remarks(merged, left_out)]
    alternative = f"{title}: {summary_line(capture)}. One lane a connection and direction."
    return finished(chart, title, subtitle, alternative)


def marks_table(capture: Capture, origin_ns: int | None = None) -> pd.DataFrame:
    """Return one row an event with its lane and its time in ms since `origin_ns` or the first."""
    table = events_table(capture)
    if origin_ns is None:
        origin_ns = capture.events[0].at_ns if capture.events else 0
    table["at_ms"] = (table["at_ns"] - origin_ns) / 1e6
    arrows = {Direction.CLIENT_TO_SERVER: TO_SERVER, Direction.SERVER_TO_CLIENT: TO_CLIENT}
    # What happened inside the server belongs with what it says, a remark of the recorder above it.
    way = table["direction"].map({str(key): value for key, value in arrows.items()})
    way = way.fillna(TO_SERVER).mask(table["kind"] == "app", TO_CLIENT)
    named = table["connection"] != ""
    table["lane"] = (table["connection"] + " " + way).where(named, OTHERS)
    return table


def merge_close(marks: pd.DataFrame, slots: int = SLOTS) -> pd.DataFrame:
    """Return the marks with those of one lane and kind that would overlap merged, and counted."""
    columns = ["lane", "kind", "at_ms", "detail"]
    if len(marks) <= FEW:
        return marks[columns].assign(events=1)
    begin = marks["at_ms"].min()
    slot_ms = max((marks["at_ms"].max() - begin) / slots, 1e-9)
    slot = ((marks["at_ms"] - begin) // slot_ms).astype("int64")
    merged = (
        marks.assign(slot=slot)
        .groupby(["lane", "kind", "slot"], sort=False)
        .agg(at_ms=("at_ms", "mean"), detail=("detail", "first"), events=("at_ms", "size"))
        .reset_index()[[*columns, "events"]]
    )
    return merged if len(merged) <= MAX_ROWS else merge_close(marks, slots // 2)


def points(marks: pd.DataFrame, x: alt.X, lanes: Sequence[str]) -> alt.Chart:
    """Draw merged marks; the legend names only the kinds that there are."""
    looks = [look for look in LOOKS if (marks["kind"] == look.kind).any()]
    kinds = [look.kind for look in looks]
    legend = alt.Legend(title=None, orient="bottom", symbolSize=90, columns=9, columnPadding=16)
    crowded = len(marks) > FEW
    most = int(marks["events"].max()) if len(marks) else 1
    # What is rare is drawn last, on top of what is frequent.
    often = marks["kind"].map(marks["kind"].value_counts())
    chart: alt.Chart = (
        alt.Chart(marks.iloc[(-often).argsort(kind="stable")])
        .mark_point(filled=True, opacity=0.85)
        .encode(
            x=x,
            y=lane_axis(lanes),
            color=alt.Color("kind:N", legend=legend).scale(
                domain=kinds, range=[look.colour for look in looks]
            ),
            shape=alt.Shape("kind:N", legend=legend).scale(
                domain=kinds, range=[look.shape for look in looks]
            ),
            size=alt.Size("events:Q", legend=None).scale(
                domain=[1, max(10, most)], range=[45, 220] if crowded else [90, 90]
            ),
            tooltip=["at_ms:Q", "kind:N", "events:Q", "detail:N"],
        )
    )
    return chart


def time_axis(title: str) -> alt.X:
    """Return an axis of times in ms."""
    axis = alt.Axis(title=title, tickCount=10, labelOverlap="greedy", grid=True)
    return alt.X("at_ms:Q", axis=axis).scale(nice=False, zero=False, padding=12)


def lane_axis(lanes: Sequence[str]) -> alt.Y:
    """Return the axis of the lanes, in this order."""
    axis = alt.Axis(
        title="connection and direction",
        titleAngle=0,
        titleAnchor="start",
        titleAlign="left",
        titleX=-LABEL_WIDTH,
        titleY=-8,
        grid=True,
        labelLimit=240,
        # A reader's font may be wider than the one that the layout was made with.
        minExtent=LABEL_WIDTH,
        ticks=False,
    )
    return alt.Y("lane:N", axis=axis, sort=list(lanes)).scale(domain=list(lanes))


def finished(chart: Chart, title: str, subtitle: Sequence[str], description: str) -> Chart:
    """Return a chart with its title, its text for those who cannot see it, and the common look."""
    heading = alt.TitleParams(
        title, subtitle=list(subtitle), anchor="start", fontSize=15, subtitleFontSize=12, offset=12
    )
    styled: Chart = (
        chart.properties(title=heading, description=description)
        .configure_view(stroke="#dddddd")
        .configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal")
        .configure_legend(labelFontSize=12, titleFontSize=12, titleFontWeight="normal")
    )
    return styled


def _remarks(merged: pd.DataFrame, left_out: int) -> list[str]:
    """Return what a reader has to know who would take each mark for one event."""
    remarks = []
    if len(merged) and int(merged["events"].max()) > 1:
        remarks.append(f"a larger mark stands for up to {merged['events'].max()} events")
    if left_out:
        remarks.append(f"{left_out} more connections are not drawn")
    return remarks


def _lives(marks: pd.DataFrame) -> alt.Chart:
    """Draw how long each lane lived, as a bar behind its marks."""
    named = marks[marks["lane"] != OTHERS]
    lives = (
        named.groupby("connection", sort=False)["at_ms"]
        .agg(at_ms="min", end_ms="max")
        .reset_index()
    )
    both = pd.concat(
        [lives.assign(lane=lives["connection"] + " " + way) for way in (TO_SERVER, TO_CLIENT)]
    )
    chart: alt.Chart = alt.Chart(both[["lane", "at_ms", "end_ms"]]).mark_bar(
        height=3, color="#d5d9de"
    )
    return chart


def _busiest(capture: Capture) -> tuple[list[str], int]:
    """Return the connections to draw, in their order, and how many there are besides."""
    counts = events_table(capture)["connection"].value_counts()
    names = list(capture.connection_ids())
    kept = set(sorted(names, key=lambda name: -int(counts[name]))[:MAX_CONNECTIONS])
    return [name for name in names if name in kept], len(names) - len(kept)
