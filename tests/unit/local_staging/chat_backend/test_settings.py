from __future__ import annotations

import pytest

from local_staging.chat_backend.settings import Settings
from local_staging.errors import StagingError


def test_defaults() -> None:
    settings = Settings.from_environment({"CHAT_AUTH_URL": "http://auth"})
    assert (settings.build.name, settings.reconnect_grace_s) == ("fixed", 0.4)


def test_reads_its_environment() -> None:
    settings = Settings.from_environment(
        {
            "CHAT_AUTH_URL": "http://auth",
            "CHAT_BUILD": "incident",
            "CHAT_RECONNECT_GRACE_S": "1.5",
        }
    )
    assert (settings.auth_url, settings.build.name) == ("http://auth", "incident")
    assert settings.reconnect_grace_s == 1.5


def test_needs_the_auth_service() -> None:
    with pytest.raises(StagingError, match="CHAT_AUTH_URL is not set"):
        Settings.from_environment({})
