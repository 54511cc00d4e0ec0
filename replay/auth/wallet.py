"""The secrets of one run: each is made once, when first needed, and exists in memory only."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from capture.clock import unix_time_s
from capture.format.model import HeaderPairs, Secret
from capture.redaction import PLACEHOLDER, Redactor
from capture.redaction.known import KnownSecrets
from replay.auth.sources import TokenSource
from replay.errors import NoToken


@dataclass(slots=True)
class Wallet:
    """Fills placeholders with fresh secrets; a JWT that is over meanwhile is made anew.

    For those that the server `issued` itself there need not be any: what it did not issue this time
    stays a placeholder.
    """

    secrets: Mapping[str, Secret]
    source: TokenSource
    now_s: Callable[[], int] = unix_time_s
    issued: frozenset[str] = frozenset()
    # Who has to know them beside the record of the run, as whoever reads the server's log.
    on_made: Callable[[str, Secret], object] = lambda value, secret: None
    _made: dict[str, str] = field(default_factory=dict, repr=False)
    _made_at_s: dict[str, int] = field(default_factory=dict)
    _known: KnownSecrets = field(default_factory=KnownSecrets, repr=False)

    def fill(self, text: str) -> str:
        """Return a text with every placeholder replaced by its fresh secret. Raises NoToken."""
        return PLACEHOLDER.sub(self._in_place_of, text)

    def fill_headers(self, headers: HeaderPairs) -> HeaderPairs:
        """Return headers with fresh secrets; cookies that nobody gave are left out."""
        filled = []
        for name, value in headers:
            is_cookie = name.lower() == "cookie"
            kept = self._cookies(value) if is_cookie else value
            if kept or not is_cookie:
                filled.append((name, self.fill(kept)))
        return tuple(filled)

    def fill_payload(self, payload: bytes) -> bytes:
        """Return a message with fresh secrets."""
        if b"{{deadheat:" not in payload:
            return payload
        return self.fill(payload.decode("latin-1")).encode("latin-1")

    def check(self) -> None:
        """Make every secret that cannot be left out. Raises NoToken before anything is sent."""
        for given in self.source.values:
            if given not in self.secrets and given not in self.issued:
                known = ", ".join(self.secrets) or "none"
                raise NoToken(
                    f"--secret is for {given}, but the placeholders of the recording that a "
                    f"replay fills are: {known}"
                )
        for secret in self.secrets.values():
            is_optional = secret.kind == "cookie" or secret.id in self.issued
            if not is_optional or secret.id in self.source.values:
                self._of(secret.id)

    def redactor(self) -> Redactor:
        """Return a redactor that knows the secrets of the run, whatever they look like."""
        highest = max((int(secret_id.removeprefix("s")) for secret_id in self.secrets), default=0)
        return Redactor(self._known, highest)

    def _cookies(self, value: str) -> str:
        """Return a Cookie header without the cookies that cannot be filled."""
        return ";".join(pair for pair in value.split(";") if self._can_fill(pair)).strip()

    def _can_fill(self, cookie: str) -> bool:
        return all(
            match["kind"] != "cookie" or match["id"] in self.source.values
            for match in PLACEHOLDER.finditer(cookie)
        )

    def _in_place_of(self, placeholder: re.Match[str]) -> str:
        secret_id = placeholder["id"]
        if secret_id in self.issued and secret_id not in self.source.values:
            return placeholder[0]
        return self._of(secret_id)

    def _of(self, secret_id: str) -> str:
        now_s = self.now_s()
        if secret_id not in self._made or self._is_over(secret_id, now_s):
            secret = self.secrets.get(secret_id)
            if secret is None:
                raise NoToken(f"the recording does not say what placeholder {secret_id} stood for")
            fresh = self.source.fresh(secret, now_s)
            if secret.encoding == "base64url":
                fresh = base64.urlsafe_b64encode(fresh.encode()).decode().rstrip("=")
            self._made[secret_id], self._made_at_s[secret_id] = fresh, now_s
            self._known.add(fresh.encode(), secret, searched=True)
            self.on_made(fresh, secret)
        return self._made[secret_id]

    def _is_over(self, secret_id: str, now_s: int) -> bool:
        """Whether a JWT has lived as long as the recorded one was made to."""
        secret = self.secrets[secret_id]
        lifetime_s = secret.lifetime_s or 0
        is_timed = secret.kind == "jwt" and lifetime_s > 0
        return is_timed and now_s - self._made_at_s[secret_id] >= lifetime_s
