"""The programs that may ask for tokens. These secrets open nothing but the stand-in."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Client:
    """One program; one without a secret is public, and has to prove by PKCE that it is the same."""

    client_id: str
    name: str
    secret: str = field(default="", repr=False)
    redirect_uris: tuple[str, ...] = ()

    @property
    def is_public(self) -> bool:
        """Whether it cannot keep a secret."""
        return not self.secret


CLIENTS = (
    Client("chat-web", "Chat in a browser", redirect_uris=("http://127.0.0.1:8400/callback",)),
    Client("chat-worker", "A service of the chat", "chat-worker-staging-secret"),
)

_BY_ID = {client.client_id: client for client in CLIENTS}


def client_named(client_id: str) -> Client | None:
    """Return the client of that id."""
    return _BY_ID.get(client_id)


def authenticated(client_id: str, secret: str) -> Client | None:
    """Return the client whose secret this is; one that is public has to give none."""
    client = _BY_ID.get(client_id)
    if client is None or not hmac.compare_digest(client.secret.encode(), secret.encode()):
        return None
    return client
