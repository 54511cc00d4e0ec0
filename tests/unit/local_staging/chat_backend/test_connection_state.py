import itertools

import pytest

from local_staging.chat_backend.connection_state import (
    NEXT,
    ConnectionState,
    ConnectionStateMachine,
    IllegalTransition,
)

STATES = tuple(ConnectionState)


def machine_in(state: ConnectionState) -> ConnectionStateMachine:
    machine = ConnectionStateMachine(itertools.count().__next__)
    for each in STATES[1 : STATES.index(state) + 1]:
        machine.move_to(each)
    return machine


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATES, STATES)))
def test_only_what_comes_next_is_next(before: ConnectionState, after: ConnectionState) -> None:
    machine = machine_in(before)
    if after in NEXT[before]:
        machine.move_to(after)
        assert machine.state is after
    else:
        with pytest.raises(IllegalTransition, match=f"that is {before} becomes .*, not {after}"):
            machine.move_to(after)
        assert machine.state is before


def test_each_state_has_its_time() -> None:
    passed = machine_in(ConnectionState.READY).passed
    assert [(each.state, each.at_ns) for each in passed] == list(
        zip(STATES[:4], range(4), strict=True)
    )


@pytest.mark.parametrize("state", STATES)
def test_it_is_closed_once(state: ConnectionState) -> None:
    machine = machine_in(state)
    assert machine.close() is (state is not ConnectionState.CLOSED)
    assert machine.close() is False
