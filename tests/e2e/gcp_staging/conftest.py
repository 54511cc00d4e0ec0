"""The endpoints of the plan's end-to-end tests.

They run against the local stand-in, on both builds. With DEADHEAT_E2E_CHAT_URL and
DEADHEAT_E2E_TOKEN_COMMAND (prints a token for the user who is its last argument) they run against
that staging; what has to be done to the platform then is left out, and said so.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from local_staging.chat_backend.builds import Build, Incident
from tests.staging.endpoint import (
    CHAT_URL_VARIABLE,
    TOKEN_COMMAND_VARIABLE,
    Endpoint,
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
    """Return the stand-in: for tests that do something to the platform."""
    if REAL is not None:
        pytest.skip("has to do something to the platform, which needs the stand-in")
    staged: Staged = request.getfixturevalue("staged")
    return staged


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
