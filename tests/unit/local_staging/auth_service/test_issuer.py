from __future__ import annotations

from pathlib import Path

import jwt
import pytest

from local_staging.auth_service.issuer import TokenIssuer
from local_staging.clock import unix_time_s
from local_staging.errors import StagingError
from local_staging.signing_key import write_signing_key
from local_staging.tokens import TokenVerifier, UnknownKey


def test_reads_its_environment(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    write_signing_key(path)
    issuer = TokenIssuer.from_environment(
        {"AUTH_SIGNING_KEY_FILE": str(path), "AUTH_TOKEN_LIFETIME_S": "60"}
    )
    assert issuer.lifetime_s == 60


def test_says_what_is_wrong_with_the_key(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    with pytest.raises(StagingError, match="is not set"):
        TokenIssuer.from_environment({})
    with pytest.raises(StagingError, match="cannot read"):
        TokenIssuer.from_environment({"AUTH_SIGNING_KEY_FILE": str(path)})
    path.write_text("no key")
    with pytest.raises(StagingError, match="no unencrypted private key"):
        TokenIssuer.from_environment({"AUTH_SIGNING_KEY_FILE": str(path)})


def test_a_replaced_key_is_published_while_its_tokens_live(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    write_signing_key(path)
    issuer = TokenIssuer.from_environment(
        {"AUTH_SIGNING_KEY_FILE": str(path), "AUTH_TOKEN_LIFETIME_S": "60"}
    )
    now_s = unix_time_s()
    old = issuer.issue("alice", "Alice", now_s)
    key_id = issuer.rotate(now_s)
    new = issuer.issue("alice", "Alice", now_s)
    assert jwt.get_unverified_header(new)["kid"] == key_id
    both = TokenVerifier.from_jwks(issuer.jwks(now_s + 60))
    assert both.verify(old).user_id == both.verify(new).user_id == "alice"
    later = TokenVerifier.from_jwks(issuer.jwks(now_s + 61))
    with pytest.raises(UnknownKey):
        later.verify(old)
    assert later.verify(new).user_id == "alice"
