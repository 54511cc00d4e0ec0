from xml.etree import ElementTree

import pytest

from docs.perturbations.change import Change
from docs.perturbations.ink import CHANGED
from docs.perturbations.page import Section
from docs.perturbations.picture import WIDTH, picture
from docs.perturbations.timeline import Timeline
from tests.unit.docs.perturbations.sessions import BEFORE, PLAN, SECTIONS, shown

SVG = "{http://www.w3.org/2000/svg}"
of_each = pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)


def drawn(name: str) -> ElementTree.Element:
    change, after = shown(SECTIONS[name])
    return ElementTree.fromstring(picture(name, change, BEFORE, after))


def texts(picture: ElementTree.Element, look: str = "") -> list[str]:
    return [
        each.text or ""
        for each in picture.iter(f"{SVG}text")
        if look in (each.get("class") or "").split() or not look
    ]


@of_each
def test_nothing_lies_outside_the_picture(section: Section) -> None:
    picture = drawn(section.name)
    height = int(picture.get("height") or 0)
    assert picture.get("width") == str(WIDTH)
    # Text of 11 px is at most 8 px wide a letter, so half of "350" is 12.
    for each in picture.iter():
        for name in ("x", "x1", "x2"):
            assert 0 <= float(each.get(name) or 0) <= WIDTH - 12
        for name in ("y", "y1", "y2"):
            assert 0 <= float(each.get(name) or 0) <= height


@of_each
def test_it_says_what_it_shows_to_those_who_cannot_see_it(section: Section) -> None:
    label = drawn(section.name).get("aria-label") or ""
    assert label.startswith(f"{section.name}, a run without it above one with it: ")
    assert " ms" in label


@of_each
def test_it_loads_nothing_from_elsewhere(section: Section) -> None:
    change, after = shown(section)
    text = picture(section.name, change, BEFORE, after)
    assert text.count("http") == 1
    assert "url(" not in text
    assert "prefers-color-scheme:dark" in text


def test_changed_steps_are_coloured_below_and_ringed_above() -> None:
    changed = [
        each.get("class") for each in drawn("hold").iter() if CHANGED in (each.get("class") or "")
    ]
    assert sorted(filter(None, changed)) == [CHANGED] * 2 + [f"hollow {CHANGED}"] * 2


def test_steps_that_touch_have_one_number() -> None:
    told = texts(drawn("hold"), "told")
    assert told == ["120 ms", "2\N{EN DASH}3"]


def test_a_dribbled_frame_has_a_stroke_for_each_segment() -> None:
    pieces = [e for e in drawn("dribble").iter() if "piece" in (e.get("class") or "").split()]
    assert len(pieces) == 6


def test_unread_answers_are_hollow_when_sent_and_filled_when_read() -> None:
    looks = [each.get("class") or "" for each in drawn("slow_reader").iter()]
    assert looks.count("unread") == 1
    assert looks.count("hollow text") == looks.count("tail text") == 2


def test_the_restart_and_aligned_steps_are_moments_of_all() -> None:
    for name in ("restart_server", "align"):
        (moment,) = (e for e in drawn(name).iter() if e.get("class") == "moment")
        assert moment.get("x1") == moment.get("x2")


def test_a_fault_is_on_from_one_moment_to_the_other_on_all_connections() -> None:
    begins, ends = (e.get("x1") for e in drawn("fault").iter() if e.get("class") == "moment")
    during = [e for e in drawn("fault").iter() if e.get("class") == "during"]
    assert [e.get("x") for e in during] == [begins] * 2
    assert float(during[0].get("width") or 0) == pytest.approx(
        float(ends or 0) - float(begins or 0), abs=0.1
    )
    assert texts(drawn("fault"), "told") == ["store: latency", "store: the fault is lifted"]


def test_a_connection_that_never_came_has_its_name_and_no_line() -> None:
    lost = Timeline(tuple(mark for mark in BEFORE.marks if mark.connection == "c1"))
    change = Change(PLAN, shown(SECTIONS["restart_server"])[0].after)
    picture_of_it = ElementTree.fromstring(picture("restart_server", change, BEFORE, lost))
    assert texts(picture_of_it).count("c2") == 2
    lines = [e for e in picture_of_it.iter() if e.get("class") == "line"]
    assert len(lines) == 3 * 2
