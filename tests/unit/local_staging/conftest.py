"""One signing key for all tests: making an RSA key is the slowest thing they do."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette

from local_staging.auth_service.app import create_app
from local_staging.auth_service.issuer import TokenIssuer


@pytest.fixture(scope="session")
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def issuer(signing_key: rsa.RSAPrivateKey) -> TokenIssuer:
    return TokenIssuer(signing_key, lifetime_s=600)


@pytest.fixture
def auth_app(issuer: TokenIssuer) -> Starlette:
    return create_app(issuer)
