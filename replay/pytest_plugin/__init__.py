"""The pytest plugin: `@pytest.mark.deadheat(CAPTURE, …)` replays a capture at the code under test.

pytest loads it wherever Deadheat is installed, so what takes time is imported when a marked test
runs. docs/pytest.md says how it is used.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from replay.pytest_plugin.unused import located, named_by, unused

if TYPE_CHECKING:
    from replay.auth import TokenSource
    from replay.pytest_plugin.marked_test import MarkedTest
    from replay.pytest_plugin.session import DeadheatSession

MARK, TARGET_VARIABLE, KEY_VARIABLE = "deadheat", "DEADHEAT_TARGET", "DEADHEAT_JWT_KEY"
_MODES = ("none", "once", "rewrite")
_used: pytest.StashKey[set[Path]] = pytest.StashKey()
_session: pytest.StashKey[DeadheatSession] = pytest.StashKey()
_marked: pytest.StashKey[MarkedTest] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and settings."""
    group = parser.getgroup("deadheat", "replaying captures (deadheat)")
    group.addoption(
        "--deadheat-mode",
        choices=_MODES,
        default=None,
        help="none: replay, never make a capture (default); once: make those that are missing; "
        "rewrite: make all anew. Made by the record= function of the mark",
    )
    group.addoption(
        "--deadheat-runs", type=int, metavar="N", help="this many runs for every marked test"
    )
    group.addoption(
        "--deadheat-target",
        metavar="URL|MODULE:ATTRIBUTE",
        help="the server under test, or an ASGI application that runs in this process, in a time "
        f"that jumps; also ${TARGET_VARIABLE}",
    )
    group.addoption(
        "--deadheat-jwt-key",
        metavar="ENV|FILE",
        help="mint each recorded JWT anew with the key in this environment variable or file; "
        f"also ${KEY_VARIABLE}, the key itself",
    )
    group.addoption(
        "--deadheat-allow-host",
        action="append",
        default=[],
        metavar="HOST",
        help="allow a target that is not this machine (also in deadheat.toml)",
    )
    group.addoption(
        "--deadheat-runs-dir",
        type=Path,
        metavar="DIR",
        help="keep the records of runs here instead of in pytest's temporary directory",
    )
    group.addoption(
        "--deadheat-report-unused",
        action="store_true",
        help="list captures and findings that no collected test uses",
    )
    parser.addini("deadheat_mode", "the default of --deadheat-mode", default="none")
    parser.addini(
        "deadheat_captures",
        "folders to look for unused captures in (default: where those in use are)",
        type="paths",
        default=[],
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line(
        "markers",
        f"{MARK}(capture, *, perturb=(), finding=None, expect='recorded', learn=True, runs=None, "
        "pace='causal', patience=5.0, target=None, jwt_key=None, record=None): replay the capture "
        "before the test's body, and fail unless every run meets `expect`; see docs/pytest.md",
    )
    config.stash[_used] = set()
    if mode_of(config) not in _MODES:
        raise pytest.UsageError(
            f"deadheat_mode is {mode_of(config)!r}, expected one of: {', '.join(_MODES)}"
        )
    runs = config.getoption("deadheat_runs")
    if runs is not None and runs < 1:
        raise pytest.UsageError(f"--deadheat-runs is {runs}, expected 1 or more")


def mode_of(config: pytest.Config) -> str:
    """Return whether captures are made, by the command line or else the settings."""
    mode: str | None = config.getoption("deadheat_mode")
    return mode if mode is not None else str(config.getini("deadheat_mode"))


def bases_of(item: pytest.Item) -> list[Path]:
    """Return where relative paths of a test's mark start: at its file, then at the root."""
    return [item.path.parent, item.config.rootpath]


@pytest.fixture(scope="session")
def deadheat_target(pytestconfig: pytest.Config) -> str:
    """The ws:// URL of the server under test, or an ASGI application as "module:attribute".

    Override it, at best with session scope.
    """
    url = pytestconfig.getoption("deadheat_target") or os.environ.get(TARGET_VARIABLE)
    if not url:
        pytest.fail(
            "deadheat: there is no target: define a fixture deadheat_target that returns the "
            "server's ws:// URL or the module:attribute of an ASGI application, or pass "
            f"--deadheat-target URL, or set {TARGET_VARIABLE}",
            pytrace=False,
        )
    return str(url)


@pytest.fixture(scope="session")
def deadheat_tokens(pytestconfig: pytest.Config) -> TokenSource | str | Path | None:
    """Where fresh secrets come from: a TokenSource, or the variable or file with the JWT key."""
    key: str | None = pytestconfig.getoption("deadheat_jwt_key")
    return key if key is not None else KEY_VARIABLE if KEY_VARIABLE in os.environ else None


@pytest.fixture(scope="session")
def deadheat_log() -> Path | None:
    """The server's log, if new complaints in it are to count. Override it."""
    return None


@pytest.fixture
def deadheat_replay(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> MarkedTest:
    """The runs of a marked test, with their judgements; see MarkedTest."""
    from replay.pytest_plugin.session import DeadheatSession, without_traceback

    with without_traceback():
        session = request.config.stash.setdefault(_session, DeadheatSession(request.config))
        marked = session.marked_test(request, tmp_path_factory)
    request.node.stash[_marked] = marked
    return marked


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> None:
    """Let a marked test have the fixtures early enough for them to have parameters."""
    if not inspect.isfunction(obj) or not collector.funcnamefilter(name):
        return
    own = [mark for mark in getattr(obj, "pytestmark", []) if mark.name == MARK]
    mark = own[0] if own else collector.get_closest_marker(MARK)
    if mark is not None:
        named = () if mark.kwargs.get("target") is not None else ("deadheat_target",)
        pytest.mark.usefixtures(*named, "deadheat_replay")(obj)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let any other marked test have its runs, and note what each uses."""
    marks = list(item.iter_markers(MARK))
    if marks and isinstance(item, pytest.Function) and "deadheat_replay" not in item.fixturenames:
        item.fixturenames.append("deadheat_replay")
    for mark in marks:
        names = named_by(mark.args, mark.kwargs)
        item.config.stash[_used].update(located(name, bases_of(item)) for name in names)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let the runs happen where the body of the test does: in its event loop if it has one."""
    marked = item.stash.get(_marked, None)
    if marked is None or not isinstance(item, pytest.Function):
        return (yield)
    from replay.pytest_plugin.body import after_replay

    body = item.obj
    item.obj = after_replay(body, marked, item.user_properties)
    try:
        return (yield)
    finally:
        item.obj = body


def pytest_fixture_post_finalizer(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> None:
    """Forget what was normal at a server that is gone: the next one may be another build."""
    if fixturedef.argname == "deadheat_target" and _session in request.config.stash:
        request.config.stash[_session].normals.forget()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a worker's tests use to the controller (pytest-xdist)."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["deadheat_used"] = [str(path) for path in session.config.stash[_used]]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401  a type of pytest-xdist
    """Take what a worker's tests use; every worker collects all of them."""
    used = getattr(node, "workeroutput", {}).get("deadheat_used", [])
    node.config.stash[_used].update(map(Path, used))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """List the captures that no collected test uses, if asked to."""
    if not config.getoption("deadheat_report_unused"):
        return
    used: set[Path] = config.stash[_used]
    left, present = unused(used, config.getini("deadheat_captures"))
    terminalreporter.section("deadheat: unused captures")
    for path in left:
        shown = path.relative_to(config.rootpath) if path.is_relative_to(config.rootpath) else path
        terminalreporter.line(str(shown))
    terminalreporter.line(f"{len(left)} of {present} captures and findings are used by no test")
