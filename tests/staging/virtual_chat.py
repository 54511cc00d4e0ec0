"""The chat backend in this process, in a time that jumps: minutes of its heartbeat take no time."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from unittest.mock import patch

from capture.format.model import Capture
from local_staging import in_process
from local_staging.auth_service.issuer import SIGNING_KEY_VARIABLE, TokenIssuer
from local_staging.chat_backend.builds import Build
from local_staging.clock import unix_time_us
from local_staging.signing_key import write_signing_key
from replay.auth import TokenSource
from replay.engine.live import RunSettings, run_live
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.uvicorn_server import UvicornServer, app_target
from replay.perturbations import Perturbation, perturbed
from replay.planning import plan_from_capture


class VirtualChat:
    """One build of the backend, with a key of its own in a directory."""

    def __init__(self, build: Build, directory: Path) -> None:
        self._build = build
        self._key = {SIGNING_KEY_VARIABLE: str(directory / "key.pem")}
        write_signing_key(directory / "key.pem")

    def bearer(self, user: str = "alice") -> tuple[tuple[str, str], ...]:
        """Return the headers of an upgrade request with a token of the user."""
        token = TokenIssuer.from_environment(self._key).issue(
            user, user, int(unix_time_us() // 1_000_000)
        )
        return (("Host", "chat.example"), ("Authorization", f"Bearer {token}"))

    def play(self, script: Capture, *edits: Perturbation) -> Capture:
        """Play what the clients of a script do, and return what came of it."""
        with patch.dict(os.environ, self._key), asyncio.Runner(loop_factory=VirtualLoop) as runner:
            server = UvicornServer(lambda: getattr(in_process, self._build.name)())
            settings = RunSettings(app_target("chat:app"), TokenSource(), carrier=server)
            return runner.run(run_live(perturbed(plan_from_capture(script), edits), settings))
