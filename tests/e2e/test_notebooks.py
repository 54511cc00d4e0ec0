"""Every notebook runs from top to bottom with small parameters, and reports a result."""

from pathlib import Path
from typing import Any

import jupytext
import nbformat
import papermill
import pytest

from evidence.notebook_run import run_notebook
from evidence.report import result_of
from tests.unit.evidence.synthetic_hunt import Server, write_hunt

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SOURCES = sorted(NOTEBOOKS.glob("*.ipynb"))
SMALL: dict[str, dict[str, Any]] = {
    "five_whys": {"hunt_directory": "raced", "comparison_directory": "healthy", "title": "Small"},
}
# What each result says at least.
RESULTS: dict[str, dict[str, Any]] = {
    "five_whys": {"verdict": "reproduced"},
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the notebooks may read, by the name under which they see it."""
    folder = tmp_path_factory.mktemp("inputs")
    return {
        "raced": write_hunt(folder / "raced", rate_runs=6),
        "healthy": write_hunt(folder / "healthy", Server(None)),
    }


def tags_of(cell: Any) -> list[str]:  # noqa: ANN401  a node
    tags: list[str] = cell.metadata.get("tags", [])
    return tags


def test_every_notebook_has_small_parameters() -> None:
    assert {path.stem for path in SOURCES} == set(SMALL) == set(RESULTS)


@pytest.mark.parametrize("name", SMALL)
def test_notebook_runs_and_reports_its_result(name: str, inputs: dict[str, Path]) -> None:
    source = NOTEBOOKS / f"{name}.ipynb"
    # Papermill only warns about a parameter that the notebook does not have.
    assert set(SMALL[name]) <= set(papermill.inspect_notebook(str(source)))
    run = run_notebook(source, SMALL[name], inputs)
    assert run.failure == ""
    result = result_of(run.notebook)
    assert result.items() >= RESULTS[name].items()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_notebook_equals_its_text(path: Path) -> None:
    def cells(notebook: Any) -> list[tuple[str, str, list[str]]]:  # noqa: ANN401  a node
        return [(cell.cell_type, cell.source, tags_of(cell)) for cell in notebook.cells]

    text = path.parent / "text" / path.with_suffix(".py").name
    assert cells(nbformat.read(path, as_version=4)) == cells(jupytext.read(text))


def test_every_text_has_its_notebook() -> None:
    texts = {path.stem for path in (NOTEBOOKS / "text").glob("*.py")}
    assert texts == {path.stem for path in SOURCES}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_notebook_has_no_outputs_and_one_cell_each_of_parameters_and_result(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
    tags = [tag for cell in cells for tag in tags_of(cell)]
    assert (tags.count("parameters"), tags.count("result")) == (1, 1)
    assert tags_of(cells[-1]) == ["result"]
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert tags_of(code[0]) == ["parameters"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_notebook_holds_no_logic(path: Path) -> None:
    code = [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    assert not any(word in source for source in code for word in ("def ", "class ", "for ", "if "))
    assert len(code) <= 12
