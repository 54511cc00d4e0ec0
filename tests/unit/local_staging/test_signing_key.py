from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from local_staging.errors import StagingError
from local_staging.signing_key import write_signing_key


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    # Even where a file that everybody could read was there before.
    path.write_text("old")
    path.chmod(0o644)
    write_signing_key(path)
    assert os.stat(path).st_mode & 0o777 == 0o600
    load_pem_private_key(path.read_bytes(), password=None)


def test_says_where_it_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "key.pem"
    with pytest.raises(StagingError, match="missing"):
        write_signing_key(path)
