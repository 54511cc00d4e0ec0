from dataclasses import replace

from benchmarks.real_bugs.outcome import Outcome
from benchmarks.real_bugs.table import MAX_CELL, line_of, markdown

FOUND = Outcome(
    "breaks", "thing", "1.0", "reproduced", "reproduced", "log: a|b", "gap", "9 of 9", 40, 12.6
)
MISSED = replace(FOUND, got="not reproduced", symptom="", edits="", rate="", note="no budget")


def test_a_row_has_a_cell_for_each_column() -> None:
    header, rule, row, *_ = markdown([FOUND]).splitlines()
    assert header.count("|") == rule.count("|") == row.replace("\\|", "").count("|")
    assert row.endswith("| log: a\\|b | gap | 9 of 9 | 40 | 13 |")


def test_what_was_not_found_is_a_dash() -> None:
    assert line_of(MISSED).endswith("| **not reproduced** | - | - | - | 40 | 13 |")


def test_wrong_rows_are_told_below_with_their_note() -> None:
    told = markdown([FOUND, MISSED])
    assert "1 of 2 as known beforehand." in told
    assert told.endswith("Not so: breaks, 1.0. no budget\n")


def test_a_cell_is_one_short_line() -> None:
    line = line_of(replace(FOUND, symptom="log: " + "long\n" * 100))
    assert "\n" not in line
    assert len(line) < MAX_CELL + 120
