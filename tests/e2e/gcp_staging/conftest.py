"""The endpoints of the plan's end-to-end tests.

They run against the local stand-in, on both builds. With DEADHEAT_E2E_CHAT_URL and
DEADHEAT_E2E_TOKEN_COMMAND (prints a token for the user who is its last argument) they run against
that staging. What has to be done to the platform then is left out, and said so; replacing its
instances is what DEADHEAT_E2E_CYCLE_COMMAND does, if it is set.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from local_staging.chat_backend.builds import Build, Incident
from local_staging.services.backing import BackingServices
from replay.fault_proxy import Blackhole
from replay.fault_proxy.proxy import FaultProxy
from tests.staging.cloud_run import CloudRun
from tests.staging.endpoint import (
    CHAT_URL_VARIABLE,
    CYCLE_COMMAND_VARIABLE,
    TOKEN_COMMAND_VARIABLE,
    Endpoint,
    LocalEndpoint,
    RealEndpoint,
)
from tests.staging.staged import Staged

REAL = RealEndpoint.from_environment(os.environ)
Running = Callable[..., AbstractContextManager[Endpoint]]


@pytest.fixture
def endpoint(build: Build, request: pytest.FixtureRequest) -> Running:
    """Return how to have a staging: `with endpoint(edge=…) as staging`."""
    if REAL is None:
        staged: Staged = request.getfixturevalue("staged")
        return lambda **options: staged.running(build, **options)
    if isinstance(build, Incident):
        pytest.skip("the incident build is the stand-in's")

    @contextmanager
    def real(**options: Any) -> Iterator[Endpoint]:  # noqa: ANN401 - for the stand-in
        assert REAL is not None
        yield REAL

    return real


@pytest.fixture
def local(build: Build, request: pytest.FixtureRequest) -> Staged:
    """Return the stand-in: for tests that set its limits."""
    if REAL is not None:
        pytest.skip("sets the limits of the platform, which needs the stand-in")
    staged: Staged = request.getfixturevalue("staged")
    return staged


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Fault proxies in front of services, by their names."""

    proxies: dict[str, FaultProxy]

    @property
    def through(self) -> dict[str, tuple[str, int]]:
        """Where the services are to be looked for."""
        return {name: proxy.address for name, proxy in self.proxies.items()}

    @contextmanager
    def hang(self) -> Iterator[None]:
        """Have none of them answer meanwhile."""
        for proxy in self.proxies.values():
            proxy.apply("hangs", Blackhole())
        try:
            yield
        finally:
            for proxy in self.proxies.values():
                proxy.lift_all()


@asynccontextmanager
async def dependencies(request: pytest.FixtureRequest) -> AsyncIterator[Dependencies]:
    """Have something between the stand-in and its services; a real staging is left as it is."""
    if REAL is not None:
        yield Dependencies({})
        return
    services: BackingServices = request.getfixturevalue("services")
    async with (
        FaultProxy(services.redis.address) as redis,
        FaultProxy(services.postgres.address) as postgres,
    ):
        yield Dependencies({"redis": redis, "postgres": postgres})


async def cycle(staging: Endpoint) -> None:
    """Have the platform replace the instances; skip the test where that cannot be asked for."""
    if isinstance(staging, LocalEndpoint):
        await CloudRun(staging).cycle()
        return
    assert isinstance(staging, RealEndpoint)
    if staging.cycle_command is None:
        pytest.skip(f"has to replace instances, and {CYCLE_COMMAND_VARIABLE} is not set")
    await staging.cycle()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once, loudly, what these tests did not see."""
    ran = any(
        "gcp_staging" in report.nodeid
        for reports in terminalreporter.stats.values()
        for report in reports
        if hasattr(report, "nodeid")
    )
    if ran and REAL is None:
        terminalreporter.section("tests/e2e/gcp_staging: NOT on a real Cloud Run", bold=True)
        terminalreporter.line(
            "They ran against the local stand-in. No credentials of a real staging were given: set "
            f"{CHAT_URL_VARIABLE} and {TOKEN_COMMAND_VARIABLE}."
        )
