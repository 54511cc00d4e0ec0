import json
from typing import Any

import altair as alt
import pytest

from capture import charts
from capture.charts import (
    MAX_CONNECTIONS,
    MAX_ROWS,
    Chart,
    marks_table,
    merge_close,
    timeline,
)
from capture.format.model import App, Capture, Event
from tests.unit.replay.captures import Connection, capture_of, ns


def busy(connections: int, frames: int) -> Capture:
    events: list[Event] = []
    for number in range(connections):
        each = Connection(f"c{number + 1}")
        events += each.opened(number)
        events += [each.said(number + 2 + 3 * frame, "tick") for frame in range(frames)]
        events += each.left(number + 3 * frames + 5)
    return capture_of(events)


def rows_of(chart: Chart) -> list[list[dict[str, Any]]]:
    return list(chart.to_dict()["datasets"].values())


def lanes_of(chart: Chart) -> list[str]:
    lanes: list[str] = chart.to_dict()["layer"][1]["encoding"]["y"]["scale"]["domain"]
    return lanes


def test_every_connection_has_a_lane_for_each_direction() -> None:
    assert lanes_of(timeline(busy(2, 1))) == [
        "c1 → server",
        "c1 ← server",
        "c2 → server",
        "c2 ← server",
    ]


def test_what_a_server_does_by_itself_has_a_lane_of_its_own() -> None:
    capture = capture_of(Connection("c1").opened(1), App(at_ns=ns(2), what="tick"))
    assert lanes_of(timeline(capture))[-1] == "server"


def test_a_few_events_are_drawn_one_by_one() -> None:
    merged = merge_close(marks_table(busy(1, 3)))
    assert set(merged["events"]) == {1}


def test_many_events_are_merged_and_none_is_lost() -> None:
    marks = marks_table(busy(10, 500))
    merged = merge_close(marks)
    assert len(merged) < len(marks) / 2
    assert merged["events"].sum() == len(marks)


def test_a_huge_capture_stays_below_the_limit_of_rows() -> None:
    chart = timeline(busy(MAX_CONNECTIONS, 3_000))
    assert max(map(len, rows_of(chart))) <= MAX_ROWS


def test_marks_are_merged_until_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = marks_table(busy(10, 500))
    monkeypatch.setattr(charts, "MAX_ROWS", 200)
    merged = merge_close(marks)
    assert len(merged) <= 200
    assert merged["events"].sum() == len(marks)


def test_more_connections_than_fit_are_named_as_left_out() -> None:
    chart = timeline(busy(MAX_CONNECTIONS + 3, 1))
    assert len(lanes_of(chart)) == 2 * MAX_CONNECTIONS
    assert "3 more connections are not drawn" in chart.to_dict()["title"]["subtitle"]


def test_times_count_from_the_first_event_in_milliseconds() -> None:
    assert marks_table(capture_of(Connection().opened(5, 7.5)))["at_ms"].tolist() == [0, 2.5]


def test_axes_have_titles_with_units_and_the_chart_a_description() -> None:
    spec = timeline(busy(1, 1), "A title").to_dict()
    assert spec["title"]["text"] == "A title"
    assert "1 connection," in spec["description"]
    axes = spec["layer"][1]["encoding"]
    assert axes["x"]["axis"]["title"] == "time since the first event (ms)"
    assert axes["y"]["axis"]["title"] == "connection and direction"


def test_an_empty_capture_makes_a_chart_too() -> None:
    spec = timeline(capture_of()).to_dict()
    assert alt.Chart.from_dict(json.loads(json.dumps(spec)))
