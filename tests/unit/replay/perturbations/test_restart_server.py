import pytest

from replay.errors import PlanError
from replay.perturbations import RestartServer
from replay.plan import After, Cue, Kind, Restart
from tests.unit.replay.captures import MS
from tests.unit.replay.perturbations.sessions import PLAN

ACK = After(Kind.MESSAGE, "c1", 1, "ack a")


def test_it_is_a_cue_after_an_event() -> None:
    plan = RestartServer(ACK, 5 * MS).apply(PLAN)
    assert plan.disturbs_server
    assert plan.cues == (Cue(ACK, 5 * MS, Restart()),)
    assert tuple(plan.steps()) == tuple(PLAN.steps())


def test_connections_may_end_by_it() -> None:
    plan = RestartServer(ACK).apply(PLAN)
    assert not any(plan.owed_to(name).grace for name in plan.connections)


def test_the_edit_names_no_command() -> None:
    assert "command" not in RestartServer(ACK).to_json()
    with pytest.raises(PlanError, match="has 'command', expected only"):
        RestartServer.from_json({"after": "start", "command": "rm"})
