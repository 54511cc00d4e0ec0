"""What the builds are called, for those who only have to name one."""

from __future__ import annotations

from local_staging.errors import StagingError

INCIDENT, FIXED = "incident", "fixed"
BUILD_NAMES = (INCIDENT, FIXED)


def check_build_name(name: str) -> None:
    """Raise StagingError when there is no such build."""
    if name not in BUILD_NAMES:
        raise StagingError(f"the build is {name!r}, expected {' or '.join(BUILD_NAMES)}")
