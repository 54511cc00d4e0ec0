from pathlib import Path

import pytest

from replay.check_list import chosen_checks, configured_checks
from replay.errors import ReplayError
from replay.oracles.checks import parse


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "deadheat.toml"
    path.write_text(text)
    return path


def test_texts_and_tables(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[checks]\nnamed = ["handshake_within:2s", {check = "close_codes", allow = [1000]}]',
    )
    assert configured_checks(path) == (parse("handshake_within:2s"), parse("close_codes:1000"))


def test_the_command_line_adds_to_the_file_and_repeats_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, '[checks]\nnamed = ["handshake_within:2s"]')
    chosen = chosen_checks(["no_lost_message", "handshake_within:2000ms"], path)
    assert chosen == (parse("handshake_within:2s"), parse("no_lost_message"))


@pytest.mark.parametrize("text", ["", "[replay]\nallowed_hosts = []", "[checks]"])
def test_without_any_there_are_none(tmp_path: Path, text: str) -> None:
    assert configured_checks(written(tmp_path, text)) == ()
    assert configured_checks(tmp_path / "absent.toml") == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[checks", "is no TOML"),
        ('checks = "all"', "expected a table, got a text"),
        ('[checks]\nnamed = "all"', "named: expected a list"),
        ("[checks]\nnamed = [3]", "expected a text or a table"),
        ('[checks]\nnamed = ["all"]', "there is no check 'all'"),
        ("[checks]\nnamed = [{}]", "check is None, expected one of"),
    ],
)
def test_what_is_no_list_of_checks(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ReplayError, match=complaint):
        configured_checks(written(tmp_path, text))
