"""Make the key that the auth service signs tokens with."""

from __future__ import annotations

import os
from pathlib import Path

from local_staging.errors import StagingError


def write_signing_key(path: Path) -> None:
    """Write a new RSA key pair as PEM, readable by its owner only. Raises StagingError."""
    # Imported late: whoever only asks what `launch` can do need not wait for cryptography.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        # Removed first, because an existing file would keep the mode that it has.
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
    except OSError as error:
        raise StagingError(f"cannot write the signing key {path}: {error.strerror}") from error
