import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from capture.format.model import Note
from capture.format.reader import read_capture
from capture.format.writer import CaptureWriter
from evidence.case import open_case, without_secrets
from replay.correlation import CORRELATED
from replay.errors import ReplayError


def test_the_headline_says_what_when_and_how_often(hunts: Path) -> None:
    assert open_case(hunts / "raced").headline == (
        "A client that connects is refused when the opening of c2 (c2 step 0) comes within "
        "400.8 ms after c1 closed: 12 of 12 runs, 0 of 14 without the change."
    )


def test_nothing_found_is_said_plainly(hunts: Path) -> None:
    case = open_case(hunts / "fixed")
    assert case.headline.startswith("No race was found: 30 changes of timing tried in")
    assert case.seen is None


def test_the_commands_name_an_application_as_it_was_named(hunts: Path) -> None:
    case = open_case(hunts / "raced")
    told = {"target": "shop.app:make", "fidelity": "asgi", "server_options": ["ws=wsproto"]}
    told["fakes"] = ["redis=127.0.0.1:6379"]
    served = replace(case, record=replace(case.record, answer={**case.record.answer, **told}))
    hunt, replay, _ = served.commands()
    named = (
        "--app shop.app:make --fidelity asgi --server-option ws=wsproto "
        "--fake redis=127.0.0.1:6379 "
    )
    assert named in hunt
    assert named in replay
    assert "--log" not in hunt
    assert dict(served.provenance())["target"] == "shop.app:make"


def test_a_hunt_that_only_measured_says_so(hunts: Path) -> None:
    case = open_case(hunts / "fixed")
    answer = {**case.record.answer, "swept": {"tried": 0, "left": 0}}
    measured = replace(case, record=replace(case.record, answer=answer))
    assert "the given change of timing tried" in measured.headline


def test_an_inconclusive_hunt_gives_its_reason(hunts: Path) -> None:
    assert open_case(hunts / "drifting").headline == "Inconclusive: unperturbed runs fail."


def test_the_summary_has_the_rate_of_the_changed_server(hunts: Path) -> None:
    rows = dict(open_case(hunts / "raced", hunts / "fixed").summary())
    assert rows["recorded there"] == "900.0 ms"
    assert rows["fails with it on the changed server"].startswith("0 of 12 runs")
    assert rows["symptom"].startswith("refused: c2")


def test_notes_of_the_hunt_stand_in_the_summary(hunts: Path) -> None:
    assert ("note", "unperturbed runs fail") in open_case(hunts / "drifting").summary()


def test_the_provenance_has_a_digest_of_every_file_of_both_hunts(hunts: Path) -> None:
    rows = dict(open_case(hunts / "raced", hunts / "fixed").provenance())
    digests = {name: text for name, text in rows.items() if name.startswith("sha256 of")}
    assert len(digests) == 6
    assert all(len(digest) == 64 for digest in digests.values())
    assert rows["seed"] == "7"


def test_commands_repeat_the_hunt_and_the_finding(hunts: Path) -> None:
    hunt, replay, report = open_case(hunts / "raced").commands()
    assert hunt.startswith(
        "deadheat hunt raced/recorded.capture.jsonl --target ws://127.0.0.1:9000"
    )
    assert "--log FILE" in hunt
    assert "--log" not in open_case(hunts / "silent").commands()[0]
    assert "--plan raced/finding.json" in replay
    assert report == "deadheat report raced --out report.html"
    assert len(open_case(hunts / "fixed").commands()) == 2


def test_the_result_is_plain_json(hunts: Path) -> None:
    result = json.loads(json.dumps(open_case(hunts / "raced").result()))
    assert result["verdict"] == "reproduced"
    assert result["rate"]["failures"] == 12
    assert result["window"]["connection"] == "c2"
    assert result["whys"]["What makes it happen?"] == "supported"


def test_the_result_of_nothing_has_no_rate(hunts: Path) -> None:
    result = open_case(hunts / "fixed").result()
    assert (result["rate"], result["window"]) == (None, None)


def test_a_comparison_must_be_a_hunt_too(hunts: Path, tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="holds no finished hunt"):
        open_case(hunts / "raced", tmp_path)


def test_a_target_is_shown_without_what_may_be_secret() -> None:
    assert without_secrets("wss://me:pass@host:1/ws?token=abc") == "wss://host:1/ws"


def with_note(folder: Path, text: str) -> Path:
    """Add a note to the first run of a hunt."""
    path = folder / "runs" / "0001.capture.jsonl"
    run = read_capture(path)
    note = Note(at_ns=run.events[-1].at_ns, text=text)
    path.unlink()
    with CaptureWriter(path, run.header) as writer:
        for event in (*run.events, note):
            writer.write(event)
    return folder


def test_values_of_the_server_are_listed(hunts: Path, tmp_path: Path) -> None:
    hunt = shutil.copytree(hunts / "fixed", tmp_path / "hunt")
    assert open_case(hunt).correlated() == []
    source = "$.id of c1 message 1: type=hi (a became b)"
    case = open_case(with_note(hunt, f"{CORRELATED}c1 step 1: $.id is the server's, from {source}"))
    assert case.correlated() == [("c1 step 1: $.id", source)]
