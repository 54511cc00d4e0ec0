import pytest

from local_staging.chat_backend.build_names import BUILD_NAMES, check_build_name
from local_staging.chat_backend.builds import BUILDS
from local_staging.errors import StagingError


def test_they_are_those_of_the_builds() -> None:
    assert tuple(build.name for build in BUILDS) == BUILD_NAMES
    for name in BUILD_NAMES:
        check_build_name(name)


def test_another_name() -> None:
    with pytest.raises(StagingError, match="'new', expected incident or fixed"):
        check_build_name("new")
