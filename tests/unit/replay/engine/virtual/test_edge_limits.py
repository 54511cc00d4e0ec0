import pytest

from replay.engine.virtual.edge_limits import NO_LIMITS, EdgeLimits
from replay.errors import ReplayError


def test_limits_by_their_names() -> None:
    given = EdgeLimits.parse(["request_timeout_s=300", "concurrency=80", "cut=rst"])
    assert given == EdgeLimits(request_timeout_s=300, concurrency=80, cut="rst")
    assert given
    assert not EdgeLimits.parse([])
    assert EdgeLimits.parse([]) == NO_LIMITS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected NAME=VALUE with one of request_timeout_s"),
        ("timeout=3", "expected NAME=VALUE"),
        ("concurrency=", "expected NAME=VALUE"),
        ("concurrency=0", "a whole number of 1 or more"),
        ("concurrency=1.5", "a whole number of 1 or more"),
        ("request_timeout_s=-1", "expected seconds"),
        ("request_timeout_s=nan", "expected seconds"),
        ("request_timeout_s=inf", "expected seconds"),
        ("cut=often", "expected cut=fin or cut=rst"),
    ],
)
def test_what_is_no_limit_is_told(text: str, said: str) -> None:
    with pytest.raises(ReplayError, match=said):
        EdgeLimits.parse([text])
