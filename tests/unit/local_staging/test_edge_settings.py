import pytest

from local_staging.edge_settings import EdgeSettings
from local_staging.errors import StagingError


def test_what_the_edge_is_told() -> None:
    assert EdgeSettings().environment() == {"EDGE_POLICY": "cloud-run"}
    assert EdgeSettings("short", {"concurrency": "9"}).environment() == {
        "EDGE_POLICY": "short",
        "EDGE_CONCURRENCY": "9",
    }


def test_it_is_refused_before_anything_starts() -> None:
    with pytest.raises(StagingError, match="no policy 'gke'"):
        EdgeSettings("gke").environment()
    with pytest.raises(StagingError, match="expected a number"):
        EdgeSettings(limits={"concurrency": "x"}).environment()
