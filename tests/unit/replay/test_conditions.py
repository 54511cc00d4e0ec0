"""What is owed only ever grows less."""

import pytest

from replay.conditions import Network, Owed


def test_all_is_owed_unless_something_may_lack() -> None:
    assert Owed("c1").is_all
    assert Owed("c1").less() == Owed("c1")


@pytest.mark.parametrize("lacking", ["replies", "alike", "ending", "grace"])
def test_what_may_lack_adds_up(lacking: str) -> None:
    less = Owed("c1").less(**{lacking: False})
    assert not less.is_all
    assert not getattr(less, lacking)
    assert less.less(replies=True, alike=True, ending=True, grace=True) == less
    assert less.less(replies=False) == Owed("c1", False, less.alike, less.ending, less.grace)


def test_a_network_is_a_good_one_by_itself() -> None:
    assert Network() == Network(0, None, None)
