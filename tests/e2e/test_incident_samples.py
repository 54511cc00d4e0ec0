"""Each sample, replayed by its finding, shows its root cause by its exact message; once it is
mended it does not. The two minutes of root cause 4 run in `make soak`."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from capture.format.reader import read_capture
from local_staging.chat_backend.builds import Build, Incident
from local_staging.chat_settings import ChatSettings
from local_staging.dependencies import Dependencies
from local_staging.edge_settings import EdgeSettings
from local_staging.launch import launch
from local_staging.services.backing import BackingServices
from tests.staging.surroundings import DEADHEAT, cycling, faulty, free_addresses

SAMPLES = Path(__file__).parents[2] / "data/samples"


MISSES = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample, how its root cause shows, and what its replay does to the environment."""

    name: str
    message: str
    is_told_to_the_client: bool = False
    cycles: bool = False
    faults: bool = False
    patience_s: int = 30
    # How long its client stays at least, or nothing was to be seen.
    lasts_s: float = 0.0
    # How often it is replayed: what a command does in time may be late on a busy machine.
    times: int = 1


MID_RUN = Sample("mid_run", 'WebSocket is not connected. Need to call "accept" first.')
INSTANCE_CYCLE = Sample(
    "instance_cycle", "got an unexpected keyword argument 'websocket_manager'", cycles=True, times=3
)
SLOW_DEPENDENCIES = Sample("slow_dependencies", "not ready after 22.", faults=True)
TWO_MINUTES = Sample(
    "two_minutes",
    "keepalive ping timeout",
    is_told_to_the_client=True,
    patience_s=150,
    lasts_s=120.0,
)
CONNECTION_RESPONSE = Sample(
    "connection_response", "Failed to send connection response", faults=True, times=3
)


def replayed(sample: Sample, build: Build, services: BackingServices, tmp_path: Path) -> None:
    """Replay a sample as data/README.md says. Raises AssertionError when its message shows."""
    # To miss a race is no harm but to time; a build that has none is not asked for as often.
    times = sample.times * (MISSES if isinstance(build, Incident) else 1)
    for number in range(times):
        replayed_once(sample, build, services, tmp_path / str(number))


def replayed_once(sample: Sample, build: Build, services: BackingServices, tmp_path: Path) -> None:
    """Replay it on a staging of its own."""
    tmp_path.mkdir()
    through = free_addresses()
    run = tmp_path / "run.capture.jsonl"
    dependencies = Dependencies(services, through if sample.faults else {})
    with launch(
        chat=ChatSettings(build.name),
        dependencies=dependencies,
        edge=EdgeSettings(limits={"min_instances": "1"}),
        directory=tmp_path / "staging",
    ) as staging:
        done = subprocess.run(
            [
                *(*DEADHEAT, "replay", str(SAMPLES / f"{sample.name}.capture.jsonl")),
                *(
                    "--plan",
                    str(SAMPLES / f"{sample.name}.finding.json"),
                    "--patience",
                    str(sample.patience_s),
                ),
                *("--target", staging.chat_url, "--jwt-key", str(staging.signing_key)),
                *("--out", str(run)),
                *(cycling(staging) if sample.cycles else ()),
                *(faulty(staging, services, through) if sample.faults else ()),
            ],
            capture_output=True,
            text=True,
            timeout=120 + sample.patience_s,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    # Stopped, so that the last word is written.
    said_in = run if sample.is_told_to_the_client else staging.chat_log
    shown = [line for line in said_in.read_text().splitlines() if sample.message in line]
    assert not shown, "\n".join(shown)
    assert max(event.at_ns for event in read_capture(run).events) >= sample.lasts_s * 1e9


@pytest.mark.guards(1, 'Need to call "accept" first')
def test_leaving_in_mid_run(build: Build, services: BackingServices, tmp_path: Path) -> None:
    replayed(MID_RUN, build, services, tmp_path)


@pytest.mark.guards(2, "unexpected keyword argument 'websocket_manager'")
def test_coming_back_while_an_instance_starts(
    build: Build, services: BackingServices, tmp_path: Path
) -> None:
    replayed(INSTANCE_CYCLE, build, services, tmp_path)


@pytest.mark.guards(3, r"not ready after 22\.")
def test_dependencies_that_hang(build: Build, services: BackingServices, tmp_path: Path) -> None:
    replayed(SLOW_DEPENDENCIES, build, services, tmp_path)


@pytest.mark.soak
@pytest.mark.guards(4, "keepalive ping timeout")
def test_waiting_for_two_minutes(build: Build, services: BackingServices, tmp_path: Path) -> None:
    replayed(TWO_MINUTES, build, services, tmp_path)


@pytest.mark.guards(5, "Failed to send connection response")
def test_leaving_at_the_connection_response(
    build: Build, services: BackingServices, tmp_path: Path
) -> None:
    replayed(CONNECTION_RESPONSE, build, services, tmp_path)
