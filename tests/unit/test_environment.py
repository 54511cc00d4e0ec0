"""environment.yml (conda) and pyproject.toml (pip) name the same packages with the same bounds."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
# What conda lists by itself because pip's extra or marker has no counterpart there.
ONLY_CONDA = {"python", "pip", "cryptography"}
PIP_NAMES = {"redis-py": "redis"}


def parsed(requirement: str) -> tuple[str, str]:
    """Return name and bounds; extras and markers are left out."""
    match = re.match(r"([A-Za-z0-9_.-]+)(?:\[[^]]*\])?([^;]*)", requirement)
    assert match is not None, requirement
    return match[1].lower(), match[2].strip()


def of_pyproject() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return dict(map(parsed, project["dependencies"] + project["optional-dependencies"]["dev"]))


def of_environment() -> dict[str, str]:
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (by_pip,) = [entry["pip"] for entry in dependencies if isinstance(entry, dict)]
    by_conda = [entry for entry in dependencies if isinstance(entry, str)]
    names = dict(parsed(entry) for entry in by_conda + by_pip if not entry.startswith("-e"))
    return {
        PIP_NAMES.get(name, name): bounds
        for name, bounds in names.items()
        if name not in ONLY_CONDA
    }


def test_both_name_the_same_packages_and_bounds() -> None:
    assert of_environment() == of_pyproject()


def test_conda_installs_the_project_itself() -> None:
    assert "-e ." in (ROOT / "environment.yml").read_text()


def test_pip_is_listed_since_there_is_a_pip_section() -> None:
    assert "pip" in yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
