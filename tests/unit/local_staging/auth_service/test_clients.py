from local_staging.auth_service.clients import CLIENTS, authenticated, client_named


def test_a_secret_opens_its_own_client_only() -> None:
    assert authenticated("chat-worker", "chat-worker-staging-secret") is client_named("chat-worker")
    assert authenticated("chat-worker", "") is None
    assert authenticated("chat-worker", "x") is None
    assert authenticated("nobody", "") is None


def test_a_public_client_has_no_secret_to_give() -> None:
    web = client_named("chat-web")
    assert web is not None
    assert web.is_public
    assert authenticated("chat-web", "") is web
    assert authenticated("chat-web", "x") is None


def test_secrets_are_not_shown() -> None:
    assert not any(client.secret and client.secret in repr(client) for client in CLIENTS)
