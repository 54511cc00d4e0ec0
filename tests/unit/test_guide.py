"""The guide names every perturbation and every fault."""

import re
from pathlib import Path

from replay.fault_proxy import FAULTS
from replay.perturbations import KINDS

GUIDE = (Path(__file__).parents[2] / "docs/guide.md").read_text()


def test_every_perturbation_has_its_row() -> None:
    table = GUIDE[GUIDE.index("| perturbation |") : GUIDE.index("### A fault proxy")]
    rows = re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)
    assert rows == [kind.name for kind in KINDS]


def test_every_fault_is_named() -> None:
    paragraph = GUIDE[GUIDE.index("### A fault proxy") :]
    assert [kind.name for kind in FAULTS if f"`{kind.name}`" not in paragraph] == []
