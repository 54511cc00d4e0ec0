"""Minted JWTs at a server that verifies them, with keys of every kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from capture.format.model import Secret
from capture.format.reader import read_capture
from tests.integration.deadheat.command_line import deadheat, one_clear_line
from tests.integration.replay.sessions import said, saved
from tests.jwt_shape import JWT_SHAPE
from tests.servers.process import serving
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
PEM, NO_PASSPHRASE = serialization.Encoding.PEM, serialization.NoEncryption()
LONG_AGO_S = 1_600_000_000


def recorded_with(algorithm: str, path: Path) -> Path:
    """A session whose token was over years ago."""
    secret = Secret(
        id="s1",
        kind="jwt",
        where="header authorization",
        algorithm=algorithm,
        header={"typ": "JWT", "kid": "k1"},
        claims={"sub": "ann", "aud": "chat", "iat": LONG_AGO_S, "exp": LONG_AGO_S + 60},
        lifetime_s=60,
    )
    headers = (("Authorization", "Bearer {{deadheat:jwt:s1}}"),)
    capture = capture_of(
        C1.request(0, "ws://recorded.example/ws", headers, secrets=(secret,)),
        C1.response(2),
        C1.sent(10, "hi"),
        C1.said(12, {"type": "said", "by": "ann", "text": "hi"}),
        C1.left(30),
    )
    return saved(capture, path)


KEYS: dict[str, Callable[[], Any]] = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "PS384": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_a_server_believes_what_was_minted(tmp_path: Path, algorithm: str, form: str) -> None:
    private = KEYS[algorithm]()
    of_algorithm: Any = jwt.get_algorithm_by_name(algorithm)
    pem = private.private_bytes(PEM, serialization.PrivateFormat.PKCS8, NO_PASSPHRASE).decode()
    key = tmp_path / "signing"
    key.write_text(pem if form == "pem" else of_algorithm.to_jwk(private))
    public = private.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    wanted = {"ALGORITHM": algorithm, "PUBLIC_KEY": public.decode(), "AUDIENCE": "chat"}
    recorded, out = recorded_with(algorithm, tmp_path / "session.jsonl"), tmp_path / "run.jsonl"
    with serving("jwks_server.py", env=wanted) as port:
        target = ("--target", f"ws://127.0.0.1:{port}", "--jwt-key", key, "--out", out)
        done = deadheat("replay", recorded, *target)
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(text)["by"] for text in said(read_capture(out))] == ["ann"]
    assert not JWT_SHAPE.search(out.read_text() + done.stdout)


def test_another_key_is_not_believed(tmp_path: Path) -> None:
    public = KEYS["ES256"]().public_key()
    shown = public.public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    other = KEYS["ES256"]().private_bytes(PEM, serialization.PrivateFormat.PKCS8, NO_PASSPHRASE)
    (tmp_path / "key.pem").write_bytes(other)
    recorded, out = recorded_with("ES256", tmp_path / "session.jsonl"), tmp_path / "run.jsonl"
    with serving("jwks_server.py", env={"ALGORITHM": "ES256", "PUBLIC_KEY": shown}) as port:
        target = ("--target", f"ws://127.0.0.1:{port}", "--out", out)
        done = deadheat("replay", recorded, *target, "--jwt-key", tmp_path / "key.pem")
    assert "was answered 401 Invalid" in done.stdout.splitlines()[0]


def test_a_key_of_another_kind_is_one_clear_line(tmp_path: Path) -> None:
    recorded = recorded_with("RS256", tmp_path / "session.jsonl")
    done = deadheat(
        *("replay", recorded, "--target", "ws://127.0.0.1:9", "--out", tmp_path / "run.jsonl"),
        *("--jwt-key", "MY_KEY"),
        env={"MY_KEY": "a shared secret that is none of yours"},
    )
    line = one_clear_line(done)
    assert "needs a private RSA key in PEM or JWK form, and what --jwt-key names is no PEM" in line
    assert "none of yours" not in line
