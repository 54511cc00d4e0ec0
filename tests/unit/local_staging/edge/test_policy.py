from dataclasses import replace

import pytest

from local_staging.edge.policy import (
    CLOUD_RUN,
    PLAN,
    SOURCES,
    Certainty,
    limits,
    policy_named,
)
from local_staging.errors import StagingError


def test_every_limit_has_its_source() -> None:
    assert tuple(SOURCES) == limits()


def test_what_is_documented_names_its_page() -> None:
    for source in SOURCES.values():
        assert (source.certainty is Certainty.OURS) or source.page or source.what
        assert source.certainty is not Certainty.DOCUMENTED or source.page.startswith("https://")


def test_the_plan_is_cloud_run_but_for_its_one_claim() -> None:
    assert replace(PLAN, name="cloud-run", handshake_timeout_s=None) == CLOUD_RUN
    assert PLAN.handshake_timeout_s == 15.0
    assert SOURCES["handshake_timeout_s"].certainty is Certainty.CLAIMED


def test_by_name() -> None:
    assert policy_named("plan") is PLAN
    with pytest.raises(StagingError, match="'gke' of the edge, expected one of cloud-run, plan"):
        policy_named("gke")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"request_timeout_s": 3_601.0}, "up to 3600 s"),
        ({"request_timeout_s": 0.0}, "more than 0"),
        ({"concurrency": 1_001}, "expected 1 to 1000"),
        ({"min_instances": 2, "max_instances": 1}, "the instances are 2 to 1"),
        ({"max_instances": 0}, "one at least"),
    ],
)
def test_what_cloud_run_does_not_allow(change: dict[str, float], complaint: str) -> None:
    with pytest.raises(StagingError, match=complaint):
        replace(CLOUD_RUN, **change)  # type: ignore[arg-type]
