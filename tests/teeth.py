"""Tests with teeth: what guards against a root cause has to fail where the root cause is.

A test marked `guards_nothing(why)` runs on both builds and passes on both; the table says why.
A test marked `guards(root_cause, fails_with, server_says)` gets each build as its argument `build`.
With `fixed` it passes as any test does. With `incident` it passes if it fails: its own complaint
has to have the text `fails_with`, and the server's log, which hangs on the complaint as a note, the
text `server_says`, for what a client is told is not always why. Else it guards nothing, or
something else than it says, and that is a failure. `--teeth-table FILE` writes what came of each.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from _pytest.outcomes import Failed

from local_staging.chat_backend.builds import BUILDS, Incident

MARK = "guards"
NO_GUARD = "guards_nothing"
TEETH = "teeth"
LONGEST_SHOWN = 110
ROOT_CAUSES = {
    0: "it guards nothing",
    1: "accept race",
    2: "constructor mismatch",
    3: "readiness",
    4: "heartbeat",
    5: "connection response",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the place of the table."""
    parser.addoption(
        "--teeth-table", type=Path, metavar="FILE", help="write each test, build and result"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark, and collect what came of it."""
    config.addinivalue_line(
        "markers",
        "guards(root_cause, fails_with, server_says=None): runs on both builds; on `incident` it "
        "has to fail with the one text, and the server's log to say the other (both regular "
        "expressions)",
    )
    config.addinivalue_line(
        "markers", "guards_nothing(why): runs on both builds, and passes on both"
    )
    if config.getoption("--teeth-table") is not None:
        config.pluginmanager.register(_Table(config.getoption("--teeth-table")), "teeth-table")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a marked test each build in turn."""
    marks = map(metafunc.definition.get_closest_marker, (MARK, NO_GUARD))
    if any(mark is not None for mark in marks):
        metafunc.parametrize("build", BUILDS, ids=[build.name for build in BUILDS], scope="session")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Turn the outcome round on the incident build."""
    mark = pyfuncitem.get_closest_marker(MARK)
    if mark is None:
        none = pyfuncitem.get_closest_marker(NO_GUARD)
        result = yield
        if none is not None:
            name, build = pyfuncitem.nodeid.split("[")[0], pyfuncitem.callspec.params["build"]
            told = "passes" if not isinstance(build, Incident) else f"passes: {none.args[0]}"
            pyfuncitem.user_properties.append((TEETH, [name, 0, build.name, told]))
        return result
    root_cause, fails_with = mark.args
    wanted = Complaint(fails_with, mark.kwargs.get("server_says"))
    build = pyfuncitem.callspec.params["build"]
    about = [pyfuncitem.nodeid.split("[")[0], root_cause, build.name]
    if not isinstance(build, Incident):
        result = yield
        pyfuncitem.user_properties.append((TEETH, [*about, "passes"]))
        return result
    try:
        yield
    except (Exception, Failed) as error:
        told = wanted.told_by(error)
        if told is None:
            raise
        pyfuncitem.user_properties.append((TEETH, [*about, f"fails: {told}"]))
        return True
    pytest.fail(f"passes on the incident build: it does not guard against root cause {root_cause}")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a test has to complain of, and what the server's log has to say of it, if anything."""

    fails_with: str
    server_says: str | None = None

    def told_by(self, error: BaseException) -> str | None:
        """Return how an error tells it in one line, or None if it tells something else."""
        own = _line(self.fails_with, [f"{type(e).__name__}: {e}" for e in _leaves(error)])
        if own is None or self.server_says is None:
            return own
        noted = [note for e in _tree(error) for note in getattr(e, "__notes__", ())]
        said = _line(self.server_says, noted)
        return None if said is None else f"{own}; the server says: {said}"


def _tree(error: BaseException) -> Iterator[BaseException]:
    yield error
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _tree(each)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    return (each for each in _tree(error) if not isinstance(each, BaseExceptionGroup))


def _line(pattern: str, texts: list[str]) -> str | None:
    lines = re.compile(f".*(?:{pattern}).*")
    found = [match[0] for text in texts for match in lines.finditer(text)]
    # The shortest quotes the least beside the complaint.
    return _shown(min(found, key=len)) if found else None


def _shown(line: str) -> str:
    text = re.sub(r"^[\s|+E]*(\w+\.)*(?=\w)", "", line).strip()
    # Of a line of the server's log only what it says, and nothing that differs from run to run.
    text = re.sub(r"^\S+Z (ERROR|WARNING|INFO) \S+ ", "", text)
    text = re.sub(r"^connection failed \S+ \S+ ", "", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "…", text)
    # What it is about stands at its end.
    return text if len(text) <= LONGEST_SHOWN else f"…{text[-LONGEST_SHOWN + 1 :]}"


# Without eq, which would take its hash: pytest keeps its plugins in sets.
@dataclass(slots=True, eq=False)
class _Table:
    """Collects the results of all workers and writes them."""

    path: Path
    rows: dict[tuple[int, str], dict[str, str]] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call":
            return
        for name, value in report.user_properties:
            if name == TEETH:
                test, root_cause, build, result = value  # type: ignore[misc]
                shown = result if report.passed else f"**{result}**"
                self.rows.setdefault((root_cause, test), {})[build] = shown

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not hasattr(session.config, "workerinput"):
            self.path.write_text("\n".join(self._lines()) + "\n")

    def _lines(self) -> Iterator[str]:
        yield from ("# Test, build and result", "", "Written by a run: [teeth.md](teeth.md).", "")
        yield from ("| root cause | test | fixed | incident |", "|---|---|---|---|")
        for (root_cause, test), results in sorted(self.rows.items(), key=_by_root_cause):
            path, _, name = test.rpartition("::")
            cells = (results.get(build, "not run") for build in ("fixed", "incident"))
            named = ROOT_CAUSES[root_cause]
            cause = f"{root_cause}, {named}" if root_cause else named
            yield f"| {cause} | `{name}` in {path} | {' | '.join(map(_cell, cells))} |"


def _by_root_cause(row: tuple[tuple[int, str], object]) -> tuple[int, str]:
    root_cause, test = row[0]
    # What guards nothing comes last.
    return root_cause or len(ROOT_CAUSES), test


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
