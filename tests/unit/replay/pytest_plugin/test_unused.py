from pathlib import Path

import pytest

from replay.pytest_plugin.unused import located, named_by, unused


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a/x.capture.jsonl", "a/x.finding.json", "a/deep/y.capture.jsonl", "b/z.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_the_nearest_base_that_has_the_file_wins(tree: Path) -> None:
    name = "x.capture.jsonl"
    assert located(name, [tree / "b", tree / "a"]) == tree / "a" / name
    assert located("new.capture.jsonl", [tree / "b", tree / "a"]) == tree / "b/new.capture.jsonl"
    assert located(tree / "b/z.txt", [tree / "a"]) == tree / "b/z.txt"


def test_a_mark_names_its_capture_and_finding_however_it_is_written() -> None:
    assert named_by(["c"], {"finding": Path("f"), "runs": 3}) == ["c", Path("f")]
    assert named_by([], {"capture": "c"}) == ["c"]
    assert named_by([3], {"finding": 4}) == []


def test_what_nothing_uses_is_found_in_folders_below_too(tree: Path) -> None:
    used = [tree / "a/x.capture.jsonl"]
    assert unused(used, [tree / "a"]) == (
        [tree / "a/deep/y.capture.jsonl", tree / "a/x.finding.json"],
        3,
    )


def test_without_folders_those_of_the_files_in_use_are_searched(tree: Path) -> None:
    assert unused([tree / "a/deep/y.capture.jsonl"], []) == ([], 1)
    assert unused([], []) == ([], 0)
