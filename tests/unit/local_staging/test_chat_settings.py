import pytest

from local_staging.chat_settings import ChatSettings
from local_staging.errors import StagingError


def test_only_what_is_given_is_said() -> None:
    assert ChatSettings().environment() == {"CHAT_BUILD": "incident"}
    settings = ChatSettings("fixed", ping_interval_s=0.5, ping_timeout_s=2, reconnect_grace_s=0)
    assert settings.environment() == {
        "CHAT_BUILD": "fixed",
        "CHAT_PING_INTERVAL_S": "0.5",
        "CHAT_PING_TIMEOUT_S": "2",
        "CHAT_RECONNECT_GRACE_S": "0",
    }


def test_a_build_that_is_not() -> None:
    with pytest.raises(StagingError, match="'broken', expected incident or fixed"):
        ChatSettings("broken").environment()
