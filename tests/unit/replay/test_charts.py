from typing import Any

import pandas as pd

from capture.charts import Chart
from capture.format.model import Capture
from replay.charts import (
    Aligned,
    Difference,
    before_after,
    dose_response,
    rate_intervals,
    send_lateness,
)
from replay.statistics import rate
from tests.unit.replay.captures import MS, Connection, capture_of, ns

C1, C2 = Connection("c1"), Connection("c2")


def doses(*points: tuple[float, int, int, str]) -> pd.DataFrame:
    rows = [
        {
            "gap_ns": round(gap_ms * MS),
            "how": how,
            "failures": failures,
            "runs": runs,
            "low": rate(failures, runs).low,
            "high": rate(failures, runs).high,
        }
        for gap_ms, failures, runs, how in points
    ]
    return pd.DataFrame(rows)


MEASURED = doses((0, 5, 5, "changed"), (390, 1, 1, "changed"), (900, 0, 20, "as recorded"))


def marks_of(chart: Chart) -> list[str]:
    return [layer["mark"]["type"] for layer in chart.to_dict()["layer"]]


def rows_of(chart: Chart, layer: int) -> list[dict[str, Any]]:
    spec = chart.to_dict()
    # Data that all layers share stand once, above them.
    data = spec["layer"][layer].get("data", spec.get("data"))
    rows: list[dict[str, Any]] = spec["datasets"][data["name"]]
    return rows


def run(answered_ms: float) -> Capture:
    return capture_of(C1.opened(0), C1.left(10), C2.opened(100, answered_ms), C2.said(600, "late"))


def test_the_window_is_shaded_and_its_edges_are_named() -> None:
    chart = dose_response(MEASURED, 0, 400 * MS, "c2 step 0 after c1 closed (ms)")
    assert marks_of(chart) == ["rect", "rule", "text", "rule", "point"]
    assert rows_of(chart, 0) == [{"gap_ms": 0.0, "end_ms": 400.0}]
    assert [row["label"] for row in rows_of(chart, 2)] == ["0.0 ms", "400.0 ms"]


def test_a_window_open_on_one_side_has_one_edge_and_no_shade() -> None:
    chart = dose_response(MEASURED, None, 400 * MS, "gap (ms)")
    assert marks_of(chart) == ["rule", "text", "rule", "point"]
    assert marks_of(dose_response(MEASURED, None, None, "gap (ms)")) == ["rule", "point"]


def test_the_subtitle_counts_inside_and_outside_the_window() -> None:
    (text, _) = dose_response(MEASURED, 0, 400 * MS, "gap (ms)").to_dict()["title"]["subtitle"]
    assert text.endswith("6 of 6 runs fail in it, 0 of 20 outside")


def test_axes_carry_units() -> None:
    encoding = dose_response(MEASURED, 0, 400 * MS, "gap (ms)").to_dict()["layer"][-1]["encoding"]
    assert encoding["x"]["axis"]["title"] == "gap (ms)"
    assert encoding["y"]["axis"]["title"] == "share of runs that fail (with 95 % interval)"


def test_a_window_far_smaller_than_the_gaps_bends_the_axis() -> None:
    wide = doses((0, 1, 1, "changed"), (8_000, 0, 1, "changed"))
    assert scale_of(dose_response(wide, 0, 400 * MS, "gap (ms)")) == "symlog"
    assert scale_of(dose_response(MEASURED, 0, 400 * MS, "gap (ms)")) is None


def scale_of(chart: Chart) -> str | None:
    scale: dict[str, Any] = chart.to_dict()["layer"][-1]["encoding"]["x"]["scale"]
    return scale.get("type")


def test_no_doses_make_an_empty_chart() -> None:
    empty = MEASURED.iloc[:0]
    assert dose_response(empty, 0, 400 * MS, "gap (ms)").to_dict()["title"]


def test_two_runs_share_one_axis_that_begins_at_the_anchor() -> None:
    passing = Aligned("passing", run(101), ns(12), ns(100))
    failing = Aligned("failing", run(102), ns(13), ns(50))
    chart = before_after(passing, failing, "c1 closed", "c2 step 0", None)
    spec = chart.to_dict()
    lanes = spec["layer"][1]["encoding"]["y"]["scale"]["domain"]
    assert lanes[0] == "passing: c1 → server"
    assert lanes[-1] == "failing: c2 ← server"
    assert spec["layer"][1]["encoding"]["x"]["axis"]["title"] == "time since c1 closed (ms)"
    closes = [row["at_ms"] for row in rows_of(chart, 1) if row["kind"] == "TCP close"]
    assert 0.0 in closes
    assert {row["label"] for row in rows_of(chart, 2)} == {"c2 step 0"}


def test_what_lies_far_from_the_anchor_is_left_out_and_counted() -> None:
    passing = Aligned("passing", run(101), ns(12), ns(100))
    failing = Aligned("failing", run(102), ns(12), ns(50))
    chart = before_after(passing, failing, "c1 closed", "c2 step 0", None)
    subtitle = chart.to_dict()["title"]["subtitle"]
    assert subtitle == [
        "ring, the first difference: none",
        "2 events outside this stretch of time are not drawn",
    ]


def test_a_ring_marks_the_first_difference_in_its_run() -> None:
    passing = Aligned("passing", run(101), ns(12), ns(100))
    failing = Aligned("failing", run(102), ns(12), ns(50))
    difference = Difference("failing", "c2", ns(52), "only in the failing run: c2 refused")
    chart = before_after(passing, failing, "c1 closed", "c2 step 0", difference)
    assert rows_of(chart, 3) == [{"at_ms": 40.0, "lane": "failing: c2 ← server"}]
    assert "c2 refused" in chart.to_dict()["description"]


def test_lateness_is_drawn_with_median_and_p99() -> None:
    chart = send_lateness([100_000] * 98 + [3_000_000] * 2)
    assert [row["label"] for row in rows_of(chart, 1)] == ["median 0.10 ms", "p99 3.00 ms"]
    assert "100 sends" in chart.to_dict()["description"]
    assert send_lateness([]).to_dict()["title"]["subtitle"] == ["no send was planned"]


def test_rates_are_drawn_as_intervals() -> None:
    chart = rate_intervals({"changed": rate(20, 20), "unperturbed": rate(0, 21)})
    rows = rows_of(chart, 0)
    assert [row["label"] for row in rows] == ["20 of 20", "0 of 21"]
    assert [row["share"] for row in rows] == [1.0, 0.0]
    assert "unperturbed: 0 of 21 runs" in chart.to_dict()["description"]


def test_a_rate_of_no_runs_has_an_interval_and_no_point() -> None:
    (row,) = rows_of(rate_intervals({"never run": rate(0, 0)}), 0)
    assert row["share"] is None
    assert (row["low"], row["high"]) == (0.0, 1.0)
