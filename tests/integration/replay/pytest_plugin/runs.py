"""Test runs of a pytest of their own, of modules that have the mark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from capture.format.model import Capture
from replay.perturbations import Gap
from replay.plan import After, Kind
from tests.unit.replay.captures import MS, Connection, capture_of

C1 = Connection("c1")
# The server loses what comes that soon after the message before; nothing comes so soon as `mended`.
BROKEN, MENDED = "/window?low=0&high=60", "/window?low=-3&high=-2"
EDIT = Gap("c1", 2, After(Kind.STEP, "c1", 1), 10 * MS).to_json()
PLUGINS = ("-p", "no:cacheprovider")

Run = Callable[..., pytest.RunResult]


def talk(answer: str = "ack") -> Capture:
    return capture_of(
        C1.request(0, "ws://recorded.example/"),
        C1.response(2),
        C1.sent(10, "1"),
        C1.said(11, {"type": answer, "of": "1"}),
        C1.sent(150, "2"),
        C1.said(151, {"type": answer, "of": "2"}),
        C1.left(170),
    )


RACE = """
@pytest.mark.deadheat(
    "captures/talk.capture.jsonl", finding="captures/talk.finding.json", runs=3
)
def test_race():
    pass
"""


def printed(result: pytest.RunResult) -> str:
    return "\n".join(result.outlines)


def properties_of(report: Path) -> dict[str, str]:
    """The properties of the one test in a JUnit report."""
    (case,) = ElementTree.parse(report).getroot().iter("testcase")
    found = {each.attrib["name"]: each.attrib["value"] for each in case.iter("property")}
    return {name.removeprefix("deadheat."): value for name, value in found.items()}
