import pytest

from replay.errors import PlanError
from replay.perturbations import HandshakeDelay, from_json, perturbed
from replay.plan import Open
from replay.planning import plan_from_capture
from tests.unit.replay.captures import MS, Connection, capture_of

C1 = Connection("c1")
PLAN = plan_from_capture(
    capture_of(C1.request(30, connected_ms=10), C1.response(40), C1.sent(50, "a"), C1.left(60))
)


def test_delays_only_the_upgrade() -> None:
    plan = HandshakeDelay("c1", 100 * MS).apply(PLAN)
    action = plan.step("c1", 0).action
    assert isinstance(action, Open)
    assert action.upgrade_delay_ns == 100 * MS
    assert plan.connections["c1"][1:] == PLAN.connections["c1"][1:]


def test_leaves_the_original_plan_alone() -> None:
    HandshakeDelay("c1", 100 * MS).apply(PLAN)
    assert HandshakeDelay("c1", 0).recorded_ns(PLAN) == 20 * MS


def test_what_a_search_needs() -> None:
    delay = HandshakeDelay("c1", 100 * MS)
    assert (delay.step, delay.value_ns, delay.anchor) == (0, 100 * MS, "c1 TCP connect")
    assert delay.with_value(0) == HandshakeDelay("c1", 0)


def test_json_reads_back() -> None:
    delay = HandshakeDelay("c1", 5_500_000)
    assert from_json(delay.to_json()) == delay


def test_a_delay_below_zero_is_refused() -> None:
    with pytest.raises(PlanError, match="expected a by_ms of 0 or more"):
        HandshakeDelay("c1", -1)


def test_a_connection_that_is_not_there_is_named() -> None:
    with pytest.raises(PlanError, match="no connection 'c9'"):
        HandshakeDelay("c9", 1).apply(PLAN)


def test_perturbations_are_applied_one_after_the_other() -> None:
    plan = perturbed(PLAN, [HandshakeDelay("c1", 1), HandshakeDelay("c1", 2)])
    assert HandshakeDelay("c1", 0).recorded_ns(plan) == 2
    assert perturbed(PLAN, []) == PLAN


@pytest.mark.parametrize(
    "edit",
    [
        {"perturbation": "handshake_delay"},
        {"perturbation": "handshake_delay", "connection": "c1", "by_ms": "soon"},
        {"perturbation": "handshake_delay", "connection": "c1", "by_ms": float("inf")},
        {"perturbation": "handshake_delay", "connection": "c1", "by_ms": float("nan")},
        {"perturbation": "gap", "connection": "c1", "step": 1, "after": 3, "gap_ms": 1},
        {"perturbation": "gap", "connection": "c1", "step": 1, "after": None, "gap_ms": 1},
        {"perturbation": "gap", "connection": "c1", "step": [], "after": "start", "gap_ms": 1},
        {"perturbation": None},
        {},
    ],
)
def test_an_edit_that_makes_no_sense_is_explained(edit: dict[str, object]) -> None:
    with pytest.raises(PlanError):
        from_json(edit)
