"""deadheat.toml: read by section; a name that nobody reads is a mistake."""

from pathlib import Path

import pytest

from replay.configuration import read_section
from replay.errors import ReplayError


def test_without_a_file_nothing_is_configured(tmp_path: Path) -> None:
    assert read_section("replay", tmp_path / "deadheat.toml") == {}


def test_sections_are_read(tmp_path: Path) -> None:
    path = tmp_path / "deadheat.toml"
    path.write_text("[replay]\nmax_connections = 5\n[oauth.staging]\ngrant = 'x'\n")
    assert read_section("replay", path) == {"max_connections": 5}
    assert read_section("oauth", path) == {"staging": {"grant": "x"}}
    assert read_section("checks", path) == {}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[replay", "cannot read"),
        ("[reply]\n", "has 'reply': did you mean replay"),
        ("[replay]\nallowed_host = []\n", r"\[replay\] has 'allowed_host': did you mean allowed"),
        ("[replay]\nzzz = 1\n", "'zzz': expected allowed_hosts, max_connections"),
        ("replay = 1\n", r"replay is 1, expected a section \[replay\]"),
    ],
)
def test_mistakes_are_explained(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "deadheat.toml"
    path.write_text(text)
    with pytest.raises(ReplayError, match=complaint):
        read_section("replay", path)
