"""The docs name every perturbation, every fault and every setting of one."""

import argparse
import re
from dataclasses import fields
from pathlib import Path

from deadheat.commands.fault_proxy import add_arguments
from replay.fault_proxy import FAULTS
from replay.perturbations import KINDS

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "guide.md").read_text()
FAULT_PROXY = (DOCS / "fault_proxy.md").read_text()


def test_every_perturbation_has_its_row() -> None:
    table = GUIDE[GUIDE.index("| perturbation |") : GUIDE.index("### A fault proxy")]
    rows = re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)
    assert rows == [kind.name for kind in KINDS]


def test_every_fault_is_named() -> None:
    paragraph = GUIDE[GUIDE.index("### A fault proxy") :]
    assert [kind.name for kind in FAULTS if f"`{kind.name}`" not in paragraph] == []


def test_every_fault_has_its_row_with_its_settings() -> None:
    table = FAULT_PROXY[FAULT_PROXY.index("| fault |") : FAULT_PROXY.index("## Beside its peers")]
    rows = dict(re.findall(r"^\| `([a-z_]+)` (\|.*)$", table, re.MULTILINE))
    assert list(rows) == [kind.name for kind in FAULTS]
    of_all = {"direction", "toxicity"}
    missing = [
        f"{kind.name} {setting}"
        for kind in FAULTS
        for field in fields(kind)
        if (setting := re.sub("_ns$", "_ms", field.name)) not in of_all
        and f"`{setting}`" not in rows[kind.name]
    ]
    assert missing == []


def test_every_option_of_the_fault_proxy_has_its_row() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    options = re.findall(r"(--[a-z-]+)", parser.format_help())
    assert [option for option in options if f"| `{option} " not in FAULT_PROXY] == []
