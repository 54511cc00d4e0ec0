"""Writes the report of a hunt: runs the notebook of the five whys, and exports it as one page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat

from capture.errors import UnwritableOutput
from evidence.errors import EvidenceError, ReportFailed
from evidence.hunt_record import read_record
from evidence.notebook_run import ROOT, run_notebook
from evidence.page import page_of

NOTEBOOK = ROOT / "notebooks" / "five_whys.ipynb"


def write_report(
    hunt: Path,
    out: Path,
    *,
    comparison: Path | None = None,
    title: str = "Five whys",
    overwrite: bool = False,
    notebook: Path | None = None,
) -> str:
    """Write the page on a hunt and return its headline.

    `comparison` is a hunt of a changed server; `notebook` also keeps the executed notebook there.
    Raises ReplayError or CaptureError for a bad hunt, UnwritableOutput, EvidenceError. When a cell
    fails, its page is written beside as NAME.failed.html, and ReportFailed is raised.
    """
    if not NOTEBOOK.exists():
        raise EvidenceError(f"there is no notebook {NOTEBOOK.name}: run from a checkout")
    for path in (out, notebook):
        if path is not None:
            check_writable(path, overwrite=overwrite)
    # Read here first: what is wrong with the input is one line, not a failed notebook.
    for directory in (hunt, comparison):
        if directory is not None:
            read_record(directory)
    folders, parameters = _inputs(hunt, comparison)
    run = run_notebook(NOTEBOOK, {**parameters, "title": title}, folders)
    if notebook is not None:
        _write(notebook, nbformat.writes(run.notebook))
    if run.failure:
        failed = out.with_suffix(".failed.html")
        _write(failed, page_of(run.notebook, f"{title} (failed)", with_code=True))
        raise ReportFailed(f"a cell of the report failed: {run.failure} (see {failed})")
    _write(out, page_of(run.notebook, title))
    return str(result_of(run.notebook)["headline"])


def result_of(notebook: Any) -> dict[str, Any]:  # noqa: ANN401  a node
    """Return what the cell tagged `result` of an executed notebook shows."""
    (cell,) = (each for each in notebook.cells if "result" in each.metadata.get("tags", []))
    result: dict[str, Any] = cell.outputs[-1]["data"]["application/json"]
    return result


def check_writable(path: Path, *, overwrite: bool) -> None:
    """Raise UnwritableOutput unless a file can be written there."""
    if path.is_dir():
        raise UnwritableOutput(f"{path} is a directory: name a file")
    if path.exists() and not overwrite:
        raise UnwritableOutput(f"{path} exists: name another file, or pass --overwrite")
    if not path.parent.is_dir():
        raise UnwritableOutput(f"cannot write {path}: there is no directory {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UnwritableOutput(f"cannot write {path}: permission denied")


def _inputs(hunt: Path, comparison: Path | None) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the hunts by plain names, and the parameters that name them so."""
    name = hunt.resolve().name
    folders, parameters = {name: hunt}, {"hunt_directory": name}
    if comparison is not None:
        compared = comparison.resolve().name
        if compared == name:
            compared = f"changed-{name}"
        folders[compared] = comparison
        parameters["comparison_directory"] = compared
    return folders, parameters


def _write(path: Path, text: str) -> None:
    """Write a whole file, or leave what was there."""
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UnwritableOutput(f"cannot write {path}: {error.strerror}") from error
