"""Plugins of all tests, and the services that many of them share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_staging.errors import StagingError
from local_staging.model_access import ModelAccess
from local_staging.services.backing import BackingServices, backing_services
from tests.staging.own_model import own_model
from tests.staging.staged import Staged

pytest_plugins = ("tests.teeth", "pytester")


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackingServices]:
    """Redis and PostgreSQL; who uses them does so under a namespace of its own."""
    try:
        with backing_services(tmp_path_factory.mktemp("services")) as running:
            yield running
    except StagingError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelAccess]:
    """The model that the agents ask; it remembers nothing."""
    with own_model(tmp_path_factory.mktemp("model")) as running:
        yield running


@pytest.fixture
def staged(services: BackingServices, model: ModelAccess, tmp_path: Path) -> Staged:
    """How to have a staging on these services, under a namespace of the test's own."""
    return Staged(services, model, tmp_path)
