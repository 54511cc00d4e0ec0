import pytest

from local_staging.dependencies import Dependencies
from local_staging.errors import StagingError
from local_staging.model_access import ModelAccess
from local_staging.services.backing import BackingService, BackingServices

AUTH = ("127.0.0.1", 8081)
MODEL = ModelAccess("http://127.0.0.1:8082/v1", "key", "rules")
SERVICES = BackingServices(
    BackingService("Redis", "redis://127.0.0.1:6381/0", "given"),
    BackingService("PostgreSQL", "postgresql://me:secret@127.0.0.1:5434/db", "given"),
)


def test_alone_it_needs_the_auth_service_only() -> None:
    assert Dependencies().environment(AUTH, MODEL) == {
        "CHAT_AUTH_URL": "http://127.0.0.1:8081",
        **MODEL.environment(),
    }


def test_services_under_their_own_addresses() -> None:
    assert Dependencies(SERVICES, namespace="mine").environment(AUTH, MODEL) == {
        "CHAT_AUTH_URL": "http://127.0.0.1:8081",
        **MODEL.environment(),
        "CHAT_NAMESPACE": "mine",
        "CHAT_REDIS_URL": "redis://127.0.0.1:6381/0",
        "CHAT_POSTGRES_URL": "postgresql://me:secret@127.0.0.1:5434/db",
    }


def test_services_through_others() -> None:
    ports = {"auth": 1, "redis": 2, "postgres": 3, "model": 4}
    through = {name: ("127.0.0.1", port) for name, port in ports.items()}
    told = Dependencies(SERVICES, through).environment(AUTH, MODEL)
    assert told["CHAT_AUTH_URL"] == "http://127.0.0.1:1"
    assert told["CHAT_REDIS_URL"] == "redis://127.0.0.1:2/0"
    assert told["CHAT_POSTGRES_URL"] == "postgresql://me:secret@127.0.0.1:3/db"
    assert told["CHAT_MODEL_URL"] == "http://127.0.0.1:4/v1"


def test_each_start_has_a_namespace_of_its_own() -> None:
    assert Dependencies().namespace != Dependencies().namespace


def test_what_is_not_depended_on() -> None:
    with pytest.raises(StagingError, match="'mysql', expected one of auth, model, redis, postgres"):
        Dependencies(SERVICES, {"mysql": AUTH})
    with pytest.raises(StagingError, match="redis is to be reached elsewhere"):
        Dependencies(through={"redis": AUTH})
