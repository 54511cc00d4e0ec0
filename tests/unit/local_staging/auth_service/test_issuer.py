from __future__ import annotations

from pathlib import Path

import pytest

from local_staging.auth_service.issuer import TokenIssuer
from local_staging.errors import StagingError
from local_staging.signing_key import write_signing_key


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
