"""What has been granted and not redeemed: authorization codes and refresh tokens.

Times are seconds since the Unix epoch, given by the caller; what is drawn comes from `draw`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

from authlib.oauth2.rfc7636 import create_s256_code_challenge

# RFC 7636, 4.1.
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
CODE_LIVES_S = 60
REFRESH_LIVES_S = 24 * 3_600

Draw = Callable[[], str]


class InvalidGrant(Exception):
    """The code or the refresh token is not good, or no longer; the text never holds it."""


@dataclass(frozen=True, slots=True)
class _Code:
    client_id: str
    user_id: str
    redirect_uri: str
    challenge: str
    expires_at_s: int


@dataclass(frozen=True, slots=True)
class _Refresh:
    family: str
    client_id: str
    user_id: str
    expires_at_s: int


class Grants:
    """Each code and each refresh token is good once.

    One that comes again was stolen, from the one or by the other, and nobody can say from whom: all
    that came of the same login ends (RFC 9700, section 4.14).
    """

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._codes: dict[str, _Code] = {}
        self._refreshes: dict[str, _Refresh] = {}
        # The family that a redeemed code or refresh token belongs to.
        self._redeemed: dict[str, str] = {}

    def code(
        self, client_id: str, user_id: str, redirect_uri: str, challenge: str, now_s: int
    ) -> str:
        """Return a fresh authorization code; `challenge` is that of PKCE, by S256."""
        code = self._draw()
        self._codes[code] = _Code(client_id, user_id, redirect_uri, challenge, now_s + CODE_LIVES_S)
        return code

    def redeem_code(
        self, code: str, client_id: str, redirect_uri: str, verifier: str, now_s: int
    ) -> tuple[str, str]:
        """Return the user of a code, and a refresh token. Raises InvalidGrant."""
        self._end_if_redeemed(code)
        known = self._codes.pop(code, None)
        if known is None or known.expires_at_s <= now_s:
            raise InvalidGrant("the code is unknown or too old")
        if known.client_id != client_id or known.redirect_uri != redirect_uri:
            raise InvalidGrant("the code was issued to another client or place")
        if not _VERIFIER.fullmatch(verifier):
            raise InvalidGrant("the verifier is not one: 43 to 128 letters, digits, - . _ ~")
        if not hmac.compare_digest(create_s256_code_challenge(verifier), known.challenge):
            raise InvalidGrant("the verifier is not that of the challenge")
        family = self._redeemed[code] = self._draw()
        return known.user_id, self._refresh(family, client_id, known.user_id, now_s)

    def redeem_refresh(self, token: str, client_id: str, now_s: int) -> tuple[str, str]:
        """Return the user of a refresh token, and the next one. Raises InvalidGrant."""
        self._end_if_redeemed(token)
        known = self._refreshes.pop(token, None)
        if known is None or known.expires_at_s <= now_s:
            raise InvalidGrant("the refresh token is unknown or too old")
        if known.client_id != client_id:
            raise InvalidGrant("the refresh token was issued to another client")
        self._redeemed[token] = known.family
        return known.user_id, self._refresh(known.family, client_id, known.user_id, now_s)

    def _refresh(self, family: str, client_id: str, user_id: str, now_s: int) -> str:
        token = self._draw()
        self._refreshes[token] = _Refresh(family, client_id, user_id, now_s + REFRESH_LIVES_S)
        return token

    def _end_if_redeemed(self, text: str) -> None:
        family = self._redeemed.get(text)
        if family is not None:
            kept = {key: each for key, each in self._refreshes.items() if each.family != family}
            self._refreshes = kept
            raise InvalidGrant("it was redeemed before; all that came of it ends")
