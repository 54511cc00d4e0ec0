import pytest

from local_staging.errors import StagingError
from local_staging.model_access import ModelAccess

GIVEN = {
    "DEADHEAT_MODEL_URL": "https://models.example/v1",
    "DEADHEAT_MODEL_KEY": "key-of-a-test",
    "DEADHEAT_MODEL": "large",
}


def test_what_the_environment_gives() -> None:
    access = ModelAccess.from_environment(GIVEN)
    assert access == ModelAccess("https://models.example/v1", "key-of-a-test", "large")
    assert "key-of-a-test" not in repr(access)
    assert access.environment() == {
        "CHAT_MODEL_URL": "https://models.example/v1",
        "CHAT_MODEL_KEY": "key-of-a-test",
        "CHAT_MODEL": "large",
    }


def test_what_was_set_for_others_is_not_meant() -> None:
    known = {"OPENAI_BASE_URL": "https://models.example/v1", "OPENAI_API_KEY": "k"}
    assert ModelAccess.from_environment(known) is None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"DEADHEAT_MODEL_URL": "models.example"}, "no http or https URL"),
        ({"DEADHEAT_MODEL_URL": "https://me:secret@models.example"}, "without an account"),
        ({"DEADHEAT_MODEL_KEY": ""}, "DEADHEAT_MODEL_URL is set, and DEADHEAT_MODEL_KEY not"),
    ],
)
def test_what_is_no_access(changed: dict[str, str], reason: str) -> None:
    with pytest.raises(StagingError, match=reason) as failure:
        ModelAccess.from_environment({**GIVEN, **changed})
    assert "secret" not in str(failure.value)


def test_through_another_address() -> None:
    access = ModelAccess("http://127.0.0.1:9/v1", "k", "m")
    assert access.through("127.0.0.1", 7).url == "http://127.0.0.1:7/v1"
    with pytest.raises(StagingError, match="reached by TLS"):
        ModelAccess("https://models.example/v1", "k", "m").through("127.0.0.1", 7)
