from replay.errors import PlanError
from replay.perturbations import KINDS, Perturbation, Storm, from_json, perturbed
from replay.perturbations.delay import Delay
from replay.perturbations.jitter import Jitter
from replay.perturbations.reconnect import Reconnect
from replay.perturbations.scale import Scale
from replay.plan import Plan
from replay.search.candidates import NOTHING_ELSE, Changeable, candidates
from tests.unit.replay.search.plans import TALK, TWO
from tests.unit.replay.virtual import Server, play

ALL = Changeable(restarts=True, proxies=("redis",))
# Gaps and holds move steps as these do; copies of a session, and a client that comes back in the
# middle, are no change of its timing alone.
DECLINED = {Delay.name, Scale.name, Jitter.name, Storm.name, Reconnect.name}


def singles(plan: Plan, changeable: Changeable = NOTHING_ELSE) -> list[Perturbation]:
    return [edits[0] for edits in candidates(plan, changeable) if len(edits) == 1]


def test_every_kind_of_change_is_tried_but_those_declined() -> None:
    tried = {edit.name for plan in (TALK, TWO) for edit in singles(plan, ALL)}
    assert tried == {kind.name for kind in KINDS} - DECLINED


def test_surroundings_are_changed_only_where_there_are_means() -> None:
    assert not {"restart_server", "fault"} & {edit.name for edit in singles(TWO)}


def test_what_needs_no_guess_comes_first() -> None:
    for plan in (TALK, TWO):
        first = singles(plan)[:8]
        names = [edit.name for edit in first]
        assert set(names) == {"gap", "reset"}
        assert names == sorted(names)
        assert all(edit.value_ns == 0 for edit in first)


def test_a_budget_that_ends_in_a_round_has_tried_something_of_each_family() -> None:
    names = [edit.name for edit in singles(TWO)]
    soon = set(names[: len(names) // 2])
    assert {"gap", "reset", "early_close", "align", "hold", "slow_reader", "dribble"} <= soon


def test_nothing_is_tried_twice() -> None:
    for plan in (TALK, TWO):
        every = list(candidates(plan, ALL))
        assert len(every) == len(set(every))


def test_every_edit_can_be_carried_out_and_written_down() -> None:
    quiet = Server(lambda session, payload: session.say("ok"))
    for plan in (TALK, TWO):
        carried_out = 0
        for edits in candidates(plan, ALL):
            assert tuple(from_json(edit.to_json()) for edit in edits) == edits
            try:
                changed = perturbed(plan, edits)
            except PlanError:
                continue
            play(changed, quiet)
            carried_out += 1
        assert carried_out > 0.9 * len(list(candidates(plan, ALL)))
