from capture.format.model import Frame
from replay.lateness import lateness, send_lateness_ns, summary_of
from tests.unit.replay.captures import MS, Connection, capture_of

C1 = Connection("c1")


def sent(at_ms: float, planned_ms: float | None) -> Frame:
    planned_ns = None if planned_ms is None else round(planned_ms * MS)
    return C1.sent(at_ms, "x", planned_at_ns=planned_ns)


def test_lateness_is_actual_minus_planned() -> None:
    run = capture_of(sent(10, 9.5), sent(20, 20), sent(30, None), C1.said(31, "y"))
    assert send_lateness_ns(run) == [MS // 2, 0]


def test_figures_of_a_run() -> None:
    late = summary_of([*range(100), 5_000])
    assert late is not None
    assert (late.sends, late.median_ns, late.p99_ns, late.worst_ns) == (101, 50, 99, 5_000)


def test_one_send_is_median_and_worst() -> None:
    late = summary_of([7])
    assert late is not None
    assert (late.median_ns, late.p99_ns, late.worst_ns) == (7, 7, 7)


def test_a_run_without_sends_has_no_figures() -> None:
    assert lateness(capture_of(C1.said(1, "y"))) is None


def test_figures_as_text_and_json() -> None:
    late = lateness(capture_of(sent(10, 9.5)))
    assert late is not None
    assert str(late) == "1 sends late by 500 µs (median), 500 µs (p99), 500 µs (worst)"
    assert late.to_json() == {
        "sends": 1,
        "median_ns": 500_000,
        "p99_ns": 500_000,
        "worst_ns": 500_000,
    }
