"""The samples are what data/README.md says, and replaying them shows what it says."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from capture.format.model import UpgradeResponse
from capture.format.reader import read_capture
from local_staging.launch import launch

DATA = Path(__file__).parents[2] / "data"
CAPTURE = DATA / "samples/chat_reconnect.capture.jsonl"
FINDING = DATA / "samples/chat_reconnect.finding.json"
ACCEPT_ERROR = 'RuntimeError: WebSocket is not connected. Need to call "accept" first.'


def test_readme_names_every_sample_with_its_checksum() -> None:
    rows = re.findall(r"\]\((samples/[^)]+)\).*`([0-9a-f]{64})`", (DATA / "README.md").read_text())
    files = [path for path in sorted((DATA / "samples").iterdir())]
    assert dict(rows) == {
        f"samples/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


@pytest.mark.parametrize(("build", "statuses"), [("incident", [101, 500]), ("fixed", [101, 101])])
def test_the_finding_shows_on_the_incident_build_only(
    build: str, statuses: list[int], tmp_path: Path
) -> None:
    run = tmp_path / "run.capture.jsonl"
    with launch(chat=build, directory=tmp_path / "staging") as staging:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "deadheat", "replay", str(CAPTURE)),
                *("--plan", str(FINDING), "--target", staging.chat_url),
                *("--jwt-key", str(staging.signing_key), "--out", str(run)),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        log = staging.chat_log.read_text()
    assert done.returncode == 0, done.stderr
    answers = [e.status for e in read_capture(run).events if isinstance(e, UpgradeResponse)]
    assert answers == statuses
    assert (ACCEPT_ERROR in log) is (build == "incident")
