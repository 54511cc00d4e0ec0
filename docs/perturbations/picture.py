"""Draws an unperturbed and a perturbed timeline, one above the other, as a small SVG.

Plain SVG and not a chart of altair: a tenth of its size, byte by byte the same each time, and it
follows the theme of the reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from docs.perturbations.change import Change, Wait
from docs.perturbations.ink import (
    CHANGED,
    RADIUS,
    band,
    colour_class,
    document,
    line,
    shape,
    words,
)
from docs.perturbations.timeline import CLIENT, MOMENT, SERVER, Mark, Timeline

WIDTH, LEFT, RIGHT = 640, 96, 16
TITLE_HEIGHT, AXIS_HEIGHT, PADDING = 15, 31, 7
# Of a connection: room for the numbers of its steps, then a line each way.
Y_OF, LANE_HEIGHT = {CLIENT: 19, SERVER: 34}, 44
BAND_HEIGHT = 12
# Closer than this, marks have one number for all of them.
TOUCHING = 10
LABELLED_FROM = 46
TICKS_MS = (10, 20, 50, 100, 200, 500, 1000)
MOST_TICKS = 9
ARROWS = {CLIENT: "\N{RIGHTWARDS ARROW}", SERVER: "\N{LEFTWARDS ARROW}"}


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where a time is."""

    ends_ms: float

    def x(self, at_ms: float) -> float:
        return LEFT + 8 + at_ms / self.ends_ms * (WIDTH - LEFT - 8 - RIGHT)

    @property
    def ticks_ms(self) -> range:
        every = next((e for e in TICKS_MS if self.ends_ms / e <= MOST_TICKS), TICKS_MS[-1])
        return range(0, int(self.ends_ms) + 1, every)


def picture(name: str, change: Change, before: Timeline, after: Timeline) -> str:
    """Return the SVG of what an edit does: a run without it above one with it."""
    shown = change.connections
    upper = [name for name in shown if name in change.before.connections]
    scale = _Scale(1.02 * max(_ends_ms(before, upper), _ends_ms(after, shown)))
    height = 2 * TITLE_HEIGHT + (len(upper) + len(shown)) * LANE_HEIGHT + AXIS_HEIGHT + PADDING
    body = "".join(_axis(scale, height - AXIS_HEIGHT))
    body += "".join(_Run("unperturbed", before, upper, change, False, scale).drawn(PADDING))
    below = PADDING + TITLE_HEIGHT + len(upper) * LANE_HEIGHT
    body += "".join(_Run(name, after, shown, change, True, scale).drawn(below))
    return document(body, WIDTH, height, description(name, change, before, after))


def description(name: str, change: Change, before: Timeline, after: Timeline) -> str:
    """Return what the picture shows, for those who cannot see it."""
    usual = {mark.place: mark for mark in before.marks if mark.place is not None}
    told = []
    for mark in after.marks:
        if change.is_changed(mark):
            was = None if mark.place is None else usual.get(mark.place)
            instead = f" instead of {was.at_ms:.0f}" if was and was.kind == mark.kind else ""
            which = "" if mark.step is None else f" step {mark.step}"
            told.append(f"{mark.connection}{which} ({mark.kind}) at {mark.at_ms:.0f} ms{instead}")
        elif mark.kind == MOMENT:
            told.append(f"{mark.called} at {mark.at_ms:.0f} ms")
    for each in after.unread:
        told.append(f"{each.connection} not read from {each.from_ms:.0f} to {each.to_ms:.0f} ms")
    return f"{name}, a run without it above one with it: {'; '.join(told)}"


@dataclass(frozen=True, slots=True)
class _Run:
    """One of the two runs; `is_perturbed` the one with the edit."""

    title: str
    seen: Timeline
    connections: Sequence[str]
    change: Change
    is_perturbed: bool
    scale: _Scale

    def drawn(self, top: float) -> Iterator[str]:
        yield words(self.title, 10, top + 11, "title")
        lanes = top + TITLE_HEIGHT
        if self.is_perturbed:
            yield from self._moments(lanes, lanes + len(self.connections) * LANE_HEIGHT)
        for number, connection in enumerate(self.connections):
            yield from self._lane(connection, lanes + number * LANE_HEIGHT)

    def _lane(self, connection: str, top: float) -> Iterator[str]:
        marks = [mark for mark in self.seen.marks if mark.connection == connection]
        y_of = {side: top + y for side, y in Y_OF.items()}
        yield words(connection, LEFT - 18, (y_of[CLIENT] + y_of[SERVER]) / 2 + 4, anchor="end")
        for side, y in y_of.items():
            yield words(ARROWS[side], LEFT - 3, y + 4, "soft", anchor="end")
        if not marks:
            return
        begins_ms = min(mark.begins_ms for mark in marks)
        for side, y in y_of.items():
            # A reset by one side ends the other's, too.
            ends_ms = max([m.at_ms for m in marks if _ends(m, side)] or [m.at_ms for m in marks])
            yield line("line", (self.scale.x(begins_ms), self.scale.x(ends_ms)), (y, y))
        if self.is_perturbed:
            yield from self._bands(connection, y_of)
        for mark in marks:
            if not _is_plain_end(mark, marks):
                yield from self._mark(mark, y_of[mark.side])
        yield from self._numbers(marks, y_of[CLIENT] - 11)

    def _bands(self, connection: str, y_of: dict[str, float]) -> Iterator[str]:
        for wait in self.change.waits(self.seen):
            if wait.connection == connection:
                yield from self._wait(wait, y_of[CLIENT])
        for each in self.seen.unread:
            if each.connection == connection:
                stretch = self.scale.x(each.from_ms), self.scale.x(each.to_ms)
                yield band("unread", stretch, y_of[SERVER], BAND_HEIGHT)

    def _wait(self, wait: Wait, y: float) -> Iterator[str]:
        begins, ends = self.scale.x(wait.from_ms), self.scale.x(wait.to_ms)
        if ends - begins < 1:
            return
        yield band("wait", (begins, ends), y, BAND_HEIGHT)
        if wait.by_ms is not None and ends - begins >= LABELLED_FROM:
            # Left of the middle, as a mark stands on the end.
            middle = (begins + ends - RADIUS) / 2
            yield words(f"{wait.by_ms:.0f} ms", middle, y + 4, "told", anchor="middle")

    def _mark(self, mark: Mark, y: float) -> Iterator[str]:
        look = colour_class(mark.kind)
        if self.is_perturbed and self.change.is_changed(mark):
            look = CHANGED
        if not self.is_perturbed and mark.place in self.change.steps | self.change.lost:
            # Where it is without the edit: a ring of the colour that it has with it.
            yield shape("text", self.scale.x(mark.at_ms), y, f"hollow {CHANGED}", 7.5)
        if mark.from_ms is None or mark.kind == "open":
            yield shape(mark.kind, self.scale.x(mark.at_ms), y, look)
        elif mark.side == SERVER:
            yield from self._late(mark, y, look)
        else:
            yield from self._in_pieces(mark, y, look)

    def _late(self, mark: Mark, y: float, look: str) -> Iterator[str]:
        """Draw a message of the server: hollow when it was sent, filled when it was read."""
        sent, read = self.scale.x(mark.begins_ms), self.scale.x(mark.at_ms)
        yield line(f"tail {look}", (sent, read), (y, y))
        yield shape(mark.kind, sent, y, f"hollow {look}")
        yield shape(mark.kind, read, y, look)

    def _in_pieces(self, mark: Mark, y: float, look: str) -> Iterator[str]:
        """Draw a frame of the client that took a while, with a stroke for each segment."""
        begins, ends = self.scale.x(mark.begins_ms), self.scale.x(mark.at_ms)
        yield band(f"stretch {look}", (begins, ends), y, BAND_HEIGHT)
        gaps = max(1, self.change.segments(mark).count - 1)
        for number in range(gaps + 1):
            x = begins + (ends - begins) * number / gaps
            yield line(f"piece {look}", (x, x), (y - BAND_HEIGHT / 2, y + BAND_HEIGHT / 2))
        yield shape(mark.kind, begins, y, look)

    def _numbers(self, marks: Sequence[Mark], y: float) -> Iterator[str]:
        """Name the steps, above their marks; those that touch have one name."""
        for group in self._touching([mark for mark in marks if not _is_plain_end(mark, marks)]):
            steps = [mark.step for mark in group]
            name = str(steps[0]) if len(steps) == 1 else f"{steps[0]}\N{EN DASH}{steps[-1]}"
            middle = sum(self._x(mark) for mark in group) / len(group)
            told = self.is_perturbed and any(self.change.is_changed(mark) for mark in group)
            yield words(name, middle, y, f"number {'told' if told else 'soft'}", anchor="middle")

    def _touching(self, marks: Sequence[Mark]) -> list[list[Mark]]:
        """Return the first mark of each step, those together that are too close for two names."""
        groups: list[list[Mark]] = []
        firsts = {mark.place: mark for mark in reversed(marks) if mark.place is not None}
        for mark in sorted(firsts.values(), key=lambda mark: mark.begins_ms):
            if groups and self._x(mark) - self._x(groups[-1][-1]) < TOUCHING:
                groups[-1].append(mark)
            else:
                groups.append([mark])
        return groups

    def _x(self, mark: Mark) -> float:
        """Return where the number of a step is: where it begins, or asks for the upgrade."""
        return self.scale.x(mark.at_ms if mark.kind == "open" else mark.begins_ms)

    def _moments(self, top: float, bottom: float) -> Iterator[str]:
        """Mark the moments that all connections share."""
        groups = [
            [mark.at_ms for mark in self.seen.marks if mark.place in group]
            for group in self.change.together
        ]
        times = [min(group) for group in groups if group]
        for at_ms in times:
            x = self.scale.x(at_ms)
            yield line("moment", (x, x), (top + 2, bottom - 4))
        around = [
            (mark, self.scale.x(mark.at_ms)) for mark in self.seen.marks if mark.kind == MOMENT
        ]
        for (_, begins), (_, ends) in pairwise(around):
            # A fault is on from the one to the other.
            for number in range(len(self.connections)):
                middle = top + number * LANE_HEIGHT + sum(Y_OF.values()) / 2
                yield band("during", (begins, ends), middle, LANE_HEIGHT - BAND_HEIGHT)
        for mark, x in around:
            yield line("moment", (x, x), (top - 2, bottom - 4))
            yield words(mark.called, x + 4, top - 4, "told")


def _axis(scale: _Scale, bottom: float) -> Iterator[str]:
    for at_ms in scale.ticks_ms:
        x = scale.x(at_ms)
        yield line("grid", (x, x), (PADDING, bottom + 3))
        yield words("0 ms" if at_ms == 0 else str(at_ms), x, bottom + 17, "soft", anchor="middle")


def _is_plain_end(mark: Mark, marks: Sequence[Mark]) -> bool:
    """Whether TCP ended after a Close frame, as it should: that is no news."""
    return mark.kind == "TCP close" and any(m.kind == "close" for m in marks)


def _ends(mark: Mark, side: str) -> bool:
    return mark.kind == "TCP close" and mark.side == side


def _ends_ms(seen: Timeline, connections: Sequence[str]) -> float:
    return max((m.at_ms for m in seen.marks if m.connection in connections), default=0.0)
