"""Stagings for the tests of this folder."""

from pathlib import Path

import pytest

from local_staging.services.backing import BackingServices
from tests.staging.staged import Staged


@pytest.fixture
def staged(services: BackingServices, tmp_path: Path) -> Staged:
    return Staged(services, tmp_path)
