"""The marks and colours of the pictures: those of the charts of a capture, on light and on dark."""

from __future__ import annotations

from html import escape

from capture.charts import LOOKS

CHANGED, RADIUS = "changed", 4.5
_SHAPES = {
    "circle": "M1,0A1,1,0,1,1,-1,0A1,1,0,1,1,1,0Z",
    "square": "M-.9,-.9H.9V.9H-.9Z",
    "diamond": "M0,-1.2L1,0L0,1.2L-1,0Z",
    "cross": "M-.35,-1H.35V-.35H1V.35H.35V1H-.35V.35H-1V-.35H-.35Z",
    "triangle-right": "M-.8,-1L1,0L-.8,1Z",
    "triangle-left": "M.8,-1L-1,0L.8,1Z",
    "triangle-up": "M0,-1L1,.8H-1Z",
    "triangle-down": "M0,1L1,-.8H-1Z",
}
_SHAPE_OF = {look.kind: _SHAPES.get(look.shape, look.shape) for look in LOOKS}
# What the edit changes is orange, as in the charts of a hunt. A class has one colour on light, and
# on dark the same one unless it would not be seen there.
_LIGHT = {
    "card": "fill:#fff;stroke:#d1d9e0",
    "soft": "fill:#59636e",
    "told": "fill:#A34700",
    "line": "stroke:#c4ccd4;stroke-width:2",
    "grid": "stroke:#eaeef2",
    "wait": "fill:#F6D9C6",
    "unread": "fill:#D6E6F2",
    "during": "fill:#FCF1EA",
    # A line that runs behind a number does not run through it.
    "number": "paint-order:stroke;stroke:#fff;stroke-width:3px",
    "moment": "stroke:#D55E00;stroke-dasharray:4 3",
    **{look.kind.lower().replace(" ", "-"): f"color:{look.colour}" for look in LOOKS},
    CHANGED: "color:#D55E00",
}
_DARK = {
    "card": "fill:#0d1117;stroke:#3d444d",
    "soft": "fill:#9198a1",
    "told": "fill:#FFA266",
    "line": "stroke:#4a525c",
    "grid": "stroke:#21262d",
    "wait": "fill:#5E2F12",
    "unread": "fill:#17344A",
    "during": "fill:#24170F",
    "number": "stroke:#0d1117",
    "moment": "stroke:#FF8C42",
    "text": "color:#3D9BD9",
    "tcp-close": "color:#e6edf3",
    CHANGED: "color:#FF8C42",
}
_FONT = "font:11px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif"


def _rules(styles: dict[str, str]) -> str:
    return "".join(f".{name}{{{style}}}" for name, style in styles.items())


STYLE = (
    f"text{{{_FONT};fill:#1f2328}}.title{{font-weight:600}}path{{fill:currentColor}}"
    ".hollow{fill:none;stroke:currentColor;stroke-width:.3}.stretch{fill:currentColor;opacity:.4}"
    f".tail,.piece{{stroke:currentColor}}{_rules(_LIGHT)}"
    f"@media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}{_rules(_DARK)}}}"
)


def document(body: str, width: int, height: int, description: str) -> str:
    """Return a picture with its own background, so that it is readable on any page."""
    label = escape(description)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img" aria-label="{label}">\n'
        f"<style>{STYLE}</style>\n"
        f'<rect class="card" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="6"/>\n'
        f"{body}</svg>\n"
    )


def colour_class(kind: str) -> str:
    """Return the class that has the colour of a kind of mark."""
    return kind.lower().replace(" ", "-")


def shape(kind: str, x: float, y: float, look: str = "", radius: float = RADIUS) -> str:
    """Return a mark; `look` is the classes that it has instead of its kind's colour."""
    classes = look or colour_class(kind)
    at = f"translate({x:.1f} {y:.1f}) scale({radius:g})"
    return f'<path class="{classes}" transform="{at}" d="{_SHAPE_OF[kind]}"/>\n'


def line(classes: str, x: tuple[float, float], y: tuple[float, float]) -> str:
    """Return a line from one end to the other."""
    ends = f'x1="{x[0]:.1f}" x2="{x[1]:.1f}" y1="{y[0]:.1f}" y2="{y[1]:.1f}"'
    return f'<line class="{classes}" {ends}/>\n'


def band(classes: str, x: tuple[float, float], y: float, height: float) -> str:
    """Return a stretch of time, around the height `y`."""
    width = max(0.0, x[1] - x[0])
    top = y - height / 2
    return (
        f'<rect class="{classes}" x="{x[0]:.1f}" y="{top:.1f}" width="{width:.1f}"'
        f' height="{height:g}" rx="2"/>\n'
    )


def words(text: str, x: float, y: float, classes: str = "", anchor: str = "start") -> str:
    """Return a text whose base line is at `y`."""
    styled = f' class="{classes}"' if classes else ""
    placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text{styled} x="{x:.1f}" y="{y:.1f}"{placed}>{escape(text)}</text>\n'
