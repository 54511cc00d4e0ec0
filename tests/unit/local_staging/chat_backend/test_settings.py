from __future__ import annotations

import pytest

from local_staging.chat_backend.settings import ModelAddress, Settings
from local_staging.errors import StagingError

NEEDED = {
    "CHAT_AUTH_URL": "http://auth",
    "CHAT_MODEL_URL": "http://model/v1",
    "CHAT_MODEL_KEY": "key-of-a-test",
    "CHAT_MODEL": "large",
}


def test_defaults() -> None:
    settings = Settings.from_environment(NEEDED)
    assert (settings.build.name, settings.reconnect_grace_s) == ("fixed", 0.4)


def test_reads_its_environment() -> None:
    settings = Settings.from_environment(
        {
            **NEEDED,
            "CHAT_BUILD": "incident",
            "CHAT_RECONNECT_GRACE_S": "1.5",
        }
    )
    assert (settings.auth_url, settings.build.name) == ("http://auth", "incident")
    assert settings.reconnect_grace_s == 1.5
    assert settings.model == ModelAddress("http://model/v1", "key-of-a-test", "large")
    assert "key-of-a-test" not in repr(settings)


@pytest.mark.parametrize("name", NEEDED)
def test_needs_the_services_that_it_asks(name: str) -> None:
    with pytest.raises(StagingError, match=f"{name} is not set"):
        Settings.from_environment({**NEEDED, name: ""})
