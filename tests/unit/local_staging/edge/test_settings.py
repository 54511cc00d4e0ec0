from dataclasses import replace
from pathlib import Path

import pytest

from local_staging.edge.policy import CLOUD_RUN, SHORT
from local_staging.edge.settings import Settings, changed
from local_staging.errors import StagingError

LOG = {"EDGE_INSTANCE_LOG": "chat.log"}


def test_cloud_run_unless_it_is_said() -> None:
    assert Settings.from_environment(LOG) == Settings(CLOUD_RUN, Path("chat.log"))


def test_limits_that_differ() -> None:
    environment = {
        **LOG,
        "EDGE_POLICY": "short",
        "EDGE_CONCURRENCY": "9",
        "EDGE_HANDSHAKE_TIMEOUT_S": "none",
        "EDGE_REQUEST_TIMEOUT_S": "7.5",
        "EDGE_SESSION_AFFINITY": "true",
        "EDGE_CUT": "rst",
    }
    expected = replace(
        SHORT,
        concurrency=9,
        handshake_timeout_s=None,
        request_timeout_s=7.5,
        session_affinity=True,
        cut="rst",
    )
    assert Settings.from_environment(environment).policy == expected


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"concurrency": "many"}, "the limit concurrency of the edge is 'many', expected a number"),
        ({"stop_s": "none"}, "expected seconds"),
        ({"handshake_timeout_s": "x"}, "expected seconds or none"),
        ({"cut": "x"}, "expected fin or rst"),
        ({"session_affinity": "1"}, "expected true or false"),
        ({"speed": "1"}, "the edge has no limit 'speed', expected request_timeout_s"),
        ({"concurrency": "0"}, "expected 1 to 1000"),
    ],
)
def test_what_is_no_limit(given: dict[str, str], complaint: str) -> None:
    with pytest.raises(StagingError, match=complaint):
        changed(CLOUD_RUN, given)


def test_instances_have_to_log_somewhere() -> None:
    with pytest.raises(StagingError, match="EDGE_INSTANCE_LOG is not set"):
        Settings.from_environment({})
