"""Hunts of every kind, each made once for the whole session."""

from pathlib import Path

import pytest

from evidence.hunt_record import HuntRecord, read_record
from replay.hunt_directory import read_hunt
from replay.perturbations import from_json
from tests.unit.evidence.synthetic_hunt import Server, write_hunt


@pytest.fixture(scope="session")
def hunts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the hunts of servers that race, do not, sometimes do, or drift."""
    folder = tmp_path_factory.mktemp("hunts")
    raced = write_hunt(folder / "raced", rate_runs=12)
    edits = [from_json(edit) for edit in read_hunt(raced)["finding"]["edits"]]
    write_hunt(folder / "silent", Server(talks=False))
    write_hunt(folder / "flaky", Server(share=0.6), rate_runs=20)
    write_hunt(folder / "fixed", Server(None), rate_runs=12, compare=edits)
    write_hunt(folder / "still-broken", rate_runs=12, compare=edits)
    write_hunt(
        folder / "drifting", Server(None, fails_anyway=True), reasons=["unperturbed runs fail"]
    )
    return folder


@pytest.fixture
def raced(hunts: Path) -> HuntRecord:
    return read_record(hunts / "raced")


@pytest.fixture
def fixed(hunts: Path) -> HuntRecord:
    return read_record(hunts / "fixed")


@pytest.fixture
def silent(hunts: Path) -> HuntRecord:
    return read_record(hunts / "silent")


@pytest.fixture
def flaky(hunts: Path) -> HuntRecord:
    return read_record(hunts / "flaky")


@pytest.fixture
def drifting(hunts: Path) -> HuntRecord:
    return read_record(hunts / "drifting")
