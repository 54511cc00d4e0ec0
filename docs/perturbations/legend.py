"""Draws what the marks of the pictures mean."""

from __future__ import annotations

from docs.perturbations.ink import CHANGED, RADIUS, band, document, line, shape, words

WIDTH, ROW_HEIGHT, TOP = 640, 24, 21
COLUMNS_AT = (24, 226, 428)
BAND, TEXT_AT = 22, 20


def legend() -> str:
    """Return the SVG of the legend."""
    cells = [
        (_mark("open"), "asks for the upgrade (step 0)"),
        (_mark("accepted"), "answers 101"),
        (_mark("text"), "a message, or a frame of one"),
        (_mark("close"), "a Close frame"),
        (_mark("TCP close"), "TCP ends without one"),
        (_mark("ping") + shape("pong", RADIUS * 2.2, 0), "ping, pong"),
        (shape("text", 0, 0, CHANGED), "what the edit itself moves"),
        (
            shape("text", 0, 0, f"hollow {CHANGED}", 7.5) + _mark("text"),
            "where it is without the edit",
        ),
        (band("wait", (-BAND / 2, BAND / 2), 0, 12), "waits because of the edit"),
        (band("unread", (-BAND / 2, BAND / 2), 0, 12), "the client does not read"),
        (
            line("tail text", (-9, 9), (0, 0))
            + shape("text", -9, 0, "hollow text")
            + shape("text", 9, 0),
            "sent by the server, then read",
        ),
        (line("moment", (0, 0), (-9, 9)), "aligned; a restart, a fault"),
    ]
    rows = -(-len(cells) // len(COLUMNS_AT))
    body = ""
    for number, (drawn, meaning) in enumerate(cells):
        x, y = COLUMNS_AT[number % len(COLUMNS_AT)], TOP + number // len(COLUMNS_AT) * ROW_HEIGHT
        body += f'<g transform="translate({x} {y})">\n{drawn}{words(meaning, TEXT_AT, 4)}</g>\n'
    described = "what the marks mean: " + "; ".join(meaning for _, meaning in cells)
    return document(body, WIDTH, TOP + rows * ROW_HEIGHT - 3, described)


def _mark(kind: str) -> str:
    return shape(kind, 0, 0)
