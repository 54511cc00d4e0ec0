from pathlib import Path
from typing import Any

import nbformat.v4 as v4
import pytest

from capture.errors import UnwritableOutput
from evidence import report
from evidence.errors import EvidenceError, ReportFailed
from evidence.notebook_run import NotebookRun
from evidence.report import check_writable, result_of, write_report
from replay.errors import ReplayError


def executed(headline: str = "Found.") -> Any:  # noqa: ANN401  a node
    data = {"application/json": {"headline": headline}}
    output = v4.new_output("execute_result", data)
    return v4.new_notebook(
        cells=[v4.new_code_cell("x", metadata={"tags": ["result"]}, outputs=[output])]
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was asked of the notebook, which does not run."""
    calls: list[tuple[Any, ...]] = []

    def run_notebook(*arguments: Any) -> NotebookRun:  # noqa: ANN401  as the real one
        calls.append(arguments)
        return NotebookRun(executed())

    monkeypatch.setattr(report, "run_notebook", run_notebook)
    return calls


def test_the_headline_of_the_notebook_is_returned(
    hunts: Path, tmp_path: Path, asked: list[tuple[Any, ...]]
) -> None:
    out, kept = tmp_path / "report.html", tmp_path / "report.ipynb"
    assert write_report(hunts / "raced", out, notebook=kept, title="T") == "Found."
    assert out.read_text().startswith("<!DOCTYPE html>")
    assert kept.exists()


def test_the_kernel_sees_the_hunts_by_plain_names(
    hunts: Path, tmp_path: Path, asked: list[tuple[Any, ...]]
) -> None:
    write_report(hunts / "raced", tmp_path / "r.html", comparison=hunts / "fixed")
    ((_, parameters, folders),) = asked
    assert parameters == {
        "hunt_directory": "raced",
        "comparison_directory": "fixed",
        "title": "Five whys",
    }
    assert folders == {"raced": hunts / "raced", "fixed": hunts / "fixed"}


def test_hunts_of_one_name_are_told_apart(
    hunts: Path, tmp_path: Path, asked: list[tuple[Any, ...]]
) -> None:
    write_report(hunts / "raced", tmp_path / "r.html", comparison=hunts / "raced")
    assert set(asked[0][2]) == {"raced", "changed-raced"}


def test_a_failed_cell_leaves_its_page_beside_and_no_report(
    hunts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = NotebookRun(executed(), "KeyError: 'verdict'")
    monkeypatch.setattr(report, "run_notebook", lambda *_: failed)
    with pytest.raises(ReportFailed, match=r"KeyError: 'verdict' \(see .*report\.failed\.html\)"):
        write_report(hunts / "raced", tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.failed.html"]


def test_a_folder_without_a_hunt_is_refused_before_anything_runs(
    tmp_path: Path, asked: list[tuple[Any, ...]]
) -> None:
    with pytest.raises(ReplayError, match="holds no finished hunt"):
        write_report(tmp_path, tmp_path / "report.html")
    assert asked == []


def test_a_missing_notebook_is_one_clear_line(
    hunts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "NOTEBOOK", tmp_path / "five_whys.ipynb")
    with pytest.raises(EvidenceError, match="there is no notebook five_whys"):
        write_report(hunts / "raced", tmp_path / "report.html")


def test_an_existing_report_is_kept_unless_told(tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    out.write_text("mine")
    with pytest.raises(UnwritableOutput, match="exists: name another file, or pass --overwrite"):
        check_writable(out, overwrite=False)
    check_writable(out, overwrite=True)


def test_a_directory_or_a_file_in_no_directory_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UnwritableOutput, match="is a directory"):
        check_writable(tmp_path, overwrite=True)
    with pytest.raises(UnwritableOutput, match="there is no directory"):
        check_writable(tmp_path / "no" / "report.html", overwrite=False)


def test_the_result_cell_is_the_one_that_is_tagged_so() -> None:
    assert result_of(executed("Yes."))["headline"] == "Yes."
