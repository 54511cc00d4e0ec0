"""What a mark, its options and its settings can say, and what they cannot.

Each is a pytest of its own, against real servers.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.integration.replay.pytest_plugin.runs import (
    MENDED,
    RACE,
    Run,
    printed,
    talk,
)
from tests.integration.replay.sessions import saved


@pytest.mark.parametrize(
    ("arguments", "options", "complaint"),
    [
        ("'nowhere.capture.jsonl'", (), "there is no capture nowhere.capture.jsonl: looked in *"),
        ("'captures/talk.finding.json'", (), "*talk.finding.json is not a capture: *"),
        ("'captures/talk.capture.jsonl', runs=0", (), "runs is 0, expected 1 or more"),
        ("'captures/talk.capture.jsonl', rnus=1", (), "*unexpected keyword argument 'rnus'*"),
        (
            "'captures/talk.capture.jsonl', perturb={'perturbation': 'gap', 'connection': 'c9', "
            "'step': 0, 'after': 'start', 'gap_ms': 1}",
            (),
            "the plan has no connection 'c9', only c1",
        ),
        ("'captures/talk.capture.jsonl', target='http://x'", (), "target is 'http://x', expected*"),
        (
            "'captures/talk.capture.jsonl', target='ws://staging.example'",
            (),
            "staging.example is not this machine*--deadheat-allow-host",
        ),
        ("'captures/talk.capture.jsonl', target='ws://127.0.0.1:9'", (), "cannot connect to *"),
        ("'captures/talk.capture.jsonl', jwt_key='NO_KEY'", (), "what --jwt-key names is neither*"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    run: Run, arguments: str, options: tuple[str, ...], complaint: str
) -> None:
    result = run(f"@pytest.mark.deadheat({arguments})\ndef test_it(): pass", *options)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"deadheat: {complaint}"])
    assert "Traceback" not in printed(result)
    assert "File " not in printed(result)


def test_without_a_target_it_says_how_to_name_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEADHEAT_TARGET", raising=False)
    result = run(RACE, path=None)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["deadheat: there is no target: define a fixture deadheat_target*"])


def test_the_target_may_come_from_the_environment(
    run: Run, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEADHEAT_TARGET", f"ws://127.0.0.1:{port}{MENDED}")
    run(RACE, path=None).assert_outcomes(passed=1)


def test_hosts_may_be_allowed_by_option_and_by_the_configuration_file(run: Run, tree: Path) -> None:
    source = (
        '@pytest.mark.deadheat("captures/talk.capture.jsonl", target="ws://nowhere.invalid")\n'
        "def test_it(): pass"
    )
    by_option = run(source, "--deadheat-allow-host", "nowhere.invalid")
    by_option.stdout.fnmatch_lines(["deadheat: cannot connect to nowhere.invalid:80*"])
    (tree / "deadheat.toml").write_text('[replay]\nallowed_hosts = ["nowhere.invalid"]\n')
    run(source).stdout.fnmatch_lines(["deadheat: cannot connect to nowhere.invalid:80*"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_captures_that_no_test_uses_are_reported_when_asked_for(
    run: Run, tree: Path, workers: tuple[str, ...]
) -> None:
    saved(talk(), tree / "captures/old.capture.jsonl")
    # Deselected tests use theirs all the same.
    result = run(RACE, "--deadheat-report-unused", "-k", "nothing", *workers)
    result.stdout.fnmatch_lines(
        ["*deadheat: unused captures*", "captures/old.capture.jsonl", "1 of 3 captures and *"]
    )
    assert "unused" not in printed(run(RACE, "-k", "nothing", *workers))


def test_a_folder_of_captures_may_be_named_in_the_settings(
    run: Run, tree: Path, pytester: pytest.Pytester
) -> None:
    saved(talk(), pytester.mkdir("more") / "old.capture.jsonl")
    pytester.makeini("[pytest]\ndeadheat_captures = more\n")
    result = run(RACE, "--deadheat-report-unused", "--collect-only")
    result.stdout.fnmatch_lines(["more/old.capture.jsonl", "1 of 1 captures and *"])


def test_it_works_beside_pytest_xdist(run: Run, tree: Path) -> None:
    again = RACE.replace("test_race", "test_again")
    result = run(RACE + again, "-n", "2", "--junitxml=report.xml")
    result.assert_outcomes(failed=2)
    cases = list(ElementTree.parse(tree / "report.xml").getroot().iter("testcase"))
    for case in cases:
        found = {each.attrib["name"]: each.attrib["value"] for each in case.iter("property")}
        assert found["deadheat.failures"] == "3"


def test_no_number_of_runs_but_a_number(run: Run) -> None:
    result = run(RACE, "--deadheat-runs", "0")
    result.stderr.fnmatch_lines(["*--deadheat-runs is 0, expected 1 or more"])
    run(RACE, "--deadheat-runs", "1").stdout.fnmatch_lines(["*in 1 of 1 runs*"])


def test_without_a_mark_nothing_is_loaded_and_without_the_plugin_nothing_is_missed(
    run: Run,
) -> None:
    source = """
import sys

def test_plain():
    loaded = {"replay.engine.live", "replay.auth", "scipy", "httpx", "pandas"} & set(sys.modules)
    assert not loaded, loaded
"""
    run(source).assert_outcomes(passed=1)
    run(source, "-p", "no:deadheat", path=None).assert_outcomes(passed=1)
