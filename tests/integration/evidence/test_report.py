"""Reports made for real: a kernel runs the notebook, and nbconvert writes the page."""

import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

from deadheat.__main__ import main
from evidence import report
from evidence.notebook_run import ROOT
from evidence.report import NOTEBOOK, write_report
from tests.unit.evidence.synthetic_hunt import COMPLAINT, Server, write_hunt

# What a page may load: parts of itself, and images that are in it.
LOADS = re.compile(
    r"""(?:\b(?:src|href|xlink:href|action|data)\s*=\s*|url\(|@import\s+)["']?([^"')>\s]+)"""
)


@pytest.fixture(scope="module")
def hunts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hunts with {braces}")
    write_hunt(folder / "raced")
    write_hunt(folder / "healthy", Server(None))
    return folder


def machine_paths(*more: Path) -> list[str]:
    places = [ROOT, Path(sys.prefix), Path(sys.base_prefix), Path.home(), *more]
    return [str(place) for place in places if len(str(place)) > len("/usr")]


def test_a_report_is_one_offline_page_without_a_path_of_this_machine(
    hunts: Path, tmp_path: Path
) -> None:
    out, kept = tmp_path / "report.html", tmp_path / "report.ipynb"
    headline = write_report(
        hunts / "raced", out, comparison=hunts / "healthy", title="A <title>", notebook=kept
    )
    page = out.read_text()
    assert headline.startswith("A client that connects is refused")
    assert COMPLAINT in unescape(page)
    assert "A &lt;title&gt;" in page
    assert page.count("<svg ") >= 5
    assert [each for each in LOADS.findall(page) if not each.startswith(("#", "data:"))] == []
    for text in (page, kept.read_text()):
        assert [path for path in machine_paths(hunts, tmp_path) if path in text] == []
        assert "/tmp" not in text


def test_a_hunt_without_a_finding_says_so_and_claims_no_race(hunts: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    headline = write_report(hunts / "healthy", out)
    assert headline.startswith("No race was found")
    page = out.read_text()
    assert "Nothing was found." in page
    assert "badge supported" not in page


def test_no_kernel_needs_to_be_registered(
    hunts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(self: KernelSpecManager, name: str) -> None:
        raise NoSuchKernel(name)

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", nothing)
    write_report(hunts / "healthy", tmp_path / "report.html")


def test_the_command_works_from_any_folder_without_a_home(hunts: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deadheat", "report", str(hunts / "raced"), "--out", "r.html"],
        cwd=tmp_path,
        env={**os.environ, "HOME": "/nonexistent", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "report: r.html"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html"]


def test_a_failing_cell_is_one_line_and_a_page_that_shows_it(
    hunts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells.insert(4, nbformat.v4.new_code_cell('open_case("nowhere")  # broken on purpose'))
    broken = tmp_path / "broken.ipynb"
    nbformat.write(notebook, broken)
    monkeypatch.setattr(report, "NOTEBOOK", broken)
    out = tmp_path / "report.html"
    assert main(["report", str(hunts / "raced"), "--out", str(out)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("deadheat: a cell of the report failed: ReplayError")
    assert not out.exists()
    page = (tmp_path / "report.failed.html").read_text()
    assert "broken on purpose" in page
    # The traceback is there, and names files as a reader of this project knows them.
    assert "deadheat/evidence/case.py" in page
    assert [path for path in machine_paths(hunts, tmp_path) if path in page] == []


@pytest.mark.parametrize(
    ("hunt", "out", "said"),
    [
        ("nothing", "r.html", "holds no finished hunt"),
        ("raced", "no/r.html", "there is no directory"),
        ("raced", ".", "is a directory: name a file"),
        ("raced", "mine.html", "exists: name another file, or pass --overwrite"),
    ],
)
def test_bad_input_is_one_clear_line(
    hunts: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    hunt: str,
    out: str,
    said: str,
) -> None:
    (tmp_path / "mine.html").write_text("mine")
    assert main(["report", str(hunts / hunt), "--out", str(tmp_path / out)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert (tmp_path / "mine.html").read_text() == "mine"
