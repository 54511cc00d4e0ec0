"""What a test does to Cloud Run: cycles instances, delays handshakes, parts networks."""

from __future__ import annotations

from typing import Any

import httpx

from tests.staging.endpoint import LocalEndpoint


class CloudRun:
    """The edge of a staging."""

    def __init__(self, staging: LocalEndpoint) -> None:
        assert staging.local.edge_url is not None, "this staging has no edge"
        self._url = f"{staging.local.edge_url}/_edge"

    async def cycle(self) -> dict[str, Any]:
        """Take the instances away; new connections wait for a new one."""
        return await self._do("cycle")

    async def delay_handshakes(self, seconds: float) -> None:
        """Hold each request for so long, from now on."""
        await self._do(f"handshake-delay?seconds={seconds}")

    async def part(self, side: str, seconds: float) -> None:
        """Let nothing pass between edge and `client` or `instance` for a while."""
        await self._do(f"partition?side={side}&seconds={seconds}")

    async def state(self) -> dict[str, Any]:
        """Return what there is."""
        async with httpx.AsyncClient(trust_env=False) as http:
            state = (await http.get(f"{self._url}/state")).json()
        assert isinstance(state, dict)
        return state

    async def _do(self, what: str) -> dict[str, Any]:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{self._url}/{what}")
        answer.raise_for_status()
        state = answer.json()
        assert isinstance(state, dict)
        return state
