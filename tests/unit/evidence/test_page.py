import re
from typing import Any

import nbformat.v4 as v4
import pytest

from evidence.page import page_of, with_inline_charts

DRAWN = '<svg><clipPath id="clip0"></clipPath><g clip-path="url(#clip0)">drawn</g></svg>'


@pytest.fixture
def notebook() -> Any:  # noqa: ANN401  a node
    chart = v4.new_output("display_data", {"image/svg+xml": DRAWN, "text/plain": "a chart"})
    return v4.new_notebook(
        cells=[
            v4.new_code_cell("secret_code = 1", metadata={"tags": ["parameters"]}),
            v4.new_markdown_cell("## A heading"),
            v4.new_code_cell("draw()", outputs=[chart]),
            v4.new_code_cell("draw()", outputs=[chart.copy()]),
        ]
    )


def test_charts_are_inline_svg(notebook: Any) -> None:  # noqa: ANN401
    page = page_of(notebook, "A title")
    assert page.count("<figure><svg>") == 2
    assert "<img" not in page


def test_charts_do_not_share_the_names_of_their_clips(notebook: Any) -> None:  # noqa: ANN401
    page = page_of(notebook, "A title")
    assert 'id="chart1-clip0"' in page
    assert "url(#chart2-clip0)" in page


def test_the_notebook_itself_is_left_alone(notebook: Any) -> None:  # noqa: ANN401
    with_inline_charts(notebook)
    assert "image/svg+xml" in notebook.cells[2].outputs[0]["data"]


def test_code_is_hidden_unless_it_is_asked_for(notebook: Any) -> None:  # noqa: ANN401
    assert "secret_code" not in page_of(notebook, "A title")
    assert "secret_code" in page_of(notebook, "A title", with_code=True)


def test_a_page_loads_nothing_and_may_not(notebook: Any) -> None:  # noqa: ANN401
    page = page_of(notebook, "<A title>")
    assert re.findall(r"""(?:src|href)=["']?(?!#)""", page) == []
    assert "default-src 'none'" in page
    assert "<title>&lt;A title&gt;</title>" in page
