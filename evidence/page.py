"""An executed notebook as one HTML file that asks the network for nothing."""

from __future__ import annotations

import re
from copy import deepcopy
from html import escape
from typing import Any

from nbconvert import HTMLExporter
from traitlets.config import Config

SVG = "image/svg+xml"
_IDENTIFIER = re.compile(r"""(\bid="|url\(["']?#|href="#)""")
HIDDEN_TAGS = {"about", "parameters", "injected-parameters", "result"}
STYLE = """
:root { color-scheme: light; --line: #d9dde3; --soft: #5b6470; }
body { font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: #1b1f24;
  background: white; margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1.5rem 4rem; }
h1 { font-size: 1.3rem; margin: 0 0 .4rem; color: var(--soft); font-weight: 600; }
h2 { font-size: 1.3rem; margin: 2.4rem 0 .5rem; border-bottom: 1px solid var(--line);
  padding-bottom: .25rem; }
h3 { font-size: 1.05rem; margin: 0 0 .3rem; }
.headline { font-size: 1.45rem; line-height: 1.35; margin: .2rem 0 1.2rem; font-weight: 600;
  padding-left: .9rem; border-left: 6px solid #b3261e; overflow-wrap: anywhere; }
.headline.nothing { border-color: #8a939e; }
table { border-collapse: collapse; font-size: .9rem; margin: .4rem 0; }
th, td { text-align: left; vertical-align: top; padding: .28rem .7rem .28rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.pairs th { color: var(--soft); font-weight: 500; min-width: 9.5rem; max-width: 18rem; }
.grid th { color: var(--soft); font-weight: 500; }
.why { border-left: 3px solid var(--line); padding: .1rem 0 .1rem 1rem; margin: 1.1rem 0; }
.why p { margin: .2rem 0; overflow-wrap: anywhere; }
.why ul { margin: .35rem 0 0; padding-left: 1.1rem; font-size: .88rem; color: #333b45; }
.why small { color: var(--soft); }
.to-answer { color: #6b4c00; }
.badge { font-size: .75rem; font-weight: 600; vertical-align: .1rem; margin-left: .4rem; }
pre { background: #f4f6f8; padding: .7rem .9rem; overflow-x: auto; font-size: .85rem; }
details summary { cursor: pointer; color: #0a5fa8; margin: .6rem 0; }
figure { margin: 1.2rem 0; }
svg { max-width: 100%; height: auto; overflow: visible; }
.output_error pre { border-left: 4px solid #b3261e; }
.prompt { display: none; }
@media print { details { display: none; } .why { break-inside: avoid; } }
"""


def page_of(notebook: Any, title: str, *, with_code: bool = False) -> str:  # noqa: ANN401  a node
    """Return a notebook as a page; its code only where a reader has to find a failure in it."""
    config = Config()
    if not with_code:
        config.TagRemovePreprocessor.enabled = True
        config.TagRemovePreprocessor.remove_cell_tags = HIDDEN_TAGS
    exporter = HTMLExporter(
        config=config,
        template_name="basic",
        exclude_input=not with_code,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
        embed_images=True,
        # Whatever a template would load from the network is not there to be loaded.
        mathjax_url="",
        require_js_url="",
        jquery_url="",
        mermaid_js_url="",
    )
    body, _ = exporter.from_notebook_node(with_inline_charts(notebook))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # A page that may load nothing stays offline, whatever a server wrote into its messages.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; img-src data:\">\n"
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def with_inline_charts(notebook: Any) -> Any:  # noqa: ANN401  a node
    """Return a copy of a notebook in which charts are HTML: as images they could not be read out.

    Every chart gets its own names for its clips, since all of them end in one page.
    """
    copied = deepcopy(notebook)
    outputs = (output for cell in copied.cells for output in cell.get("outputs", []))
    charts = (output for output in outputs if SVG in output.get("data", {}))
    for number, output in enumerate(charts, start=1):
        drawn = _IDENTIFIER.sub(rf"\1chart{number}-", output["data"][SVG])
        output["data"] = {"text/html": f"<figure>{drawn}</figure>"}
    return copied
