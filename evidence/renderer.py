"""Charts that show everywhere without a network: SVG for a page, Vega-Lite for JupyterLab.

altair's own renderers either load scripts from the network or emit a type that JupyterLab lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import altair as alt
import vl_convert

VEGA_LITE = "application/vnd.vegalite.v5+json"
NAME = "bundle"


def enable() -> None:
    """Let every chart of this process render as a bundle."""
    alt.renderers.register(NAME, bundle)
    alt.renderers.enable(NAME)


def bundle(spec: Mapping[str, Any], **_: object) -> dict[str, Any]:
    """Return a chart as the types that pages and JupyterLab prefer."""
    return {
        "image/svg+xml": svg(spec),
        VEGA_LITE: dict(spec),
        "text/plain": str(spec.get("description", "a chart")),
    }


def svg(spec: Mapping[str, Any]) -> str:
    """Return a chart as SVG with its description for those who cannot see it."""
    drawn: str = vl_convert.vegalite_to_svg(dict(spec))
    label = escape(str(spec.get("description", "a chart")))
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
