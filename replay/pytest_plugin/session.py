"""From pytest's settings, fixtures and marks to a marked test."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from capture.errors import DeadheatError
from replay.auth import TokenSource, key_from
from replay.configuration import CONFIG_FILE
from replay.errors import HostNotAllowed, NoToken, ReplayError
from replay.pytest_plugin import MARK, bases_of, mode_of
from replay.pytest_plugin.mark import Case, case_from
from replay.pytest_plugin.marked_test import Files, MarkedTest, Mode
from replay.pytest_plugin.normal import Normals, Place
from replay.pytest_plugin.unused import located
from replay.target import Target, check_allowed, configured_hosts

if TYPE_CHECKING:
    from replay.engine.virtual.asgi_server import AsgiServer
    from replay.engine.virtual.served_application import ServedApplication
    from replay.engine.virtual.uvicorn_server import UvicornServer

# As "module:attribute"; a port is no attribute.
_APPLICATION = re.compile(r"[\w.]+:[^\W\d][\w.]*")

# The messages of these name options of `deadheat`, which pytest has under other names.
_IN_PYTEST = {
    HostNotAllowed: "in pytest the option is --deadheat-allow-host",
    NoToken: "in pytest a fixture deadheat_tokens supplies it, or --deadheat-jwt-key ENV|FILE",
}


@contextmanager
def without_traceback() -> Iterator[None]:
    """Turn an error that the person can mend into its one line."""
    __tracebackhide__ = True
    try:
        yield
    except DeadheatError as error:
        hint = next((text for kind, text in _IN_PYTEST.items() if isinstance(error, kind)), "")
        pytest.fail(f"deadheat: {error}{hint and f'; {hint}'}", pytrace=False)


@dataclass(slots=True)
class DeadheatSession:
    """What the marked tests of one session share."""

    config: pytest.Config
    normals: Normals = field(default_factory=Normals)
    applications: list[tuple[ServedApplication | str, UvicornServer | AsgiServer]] = field(
        default_factory=list
    )
    recorded_anew: set[Path] = field(default_factory=set)

    def marked_test(
        self, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> MarkedTest:
        """Return the test that asks for its runs. Raises ReplayError."""
        item: pytest.Item = request.node
        mark = item.get_closest_marker(MARK)
        if mark is None:
            raise ReplayError(f"deadheat_replay is for tests with @pytest.mark.{MARK}(CAPTURE)")
        case = case_from(mark.args, mark.kwargs)
        mode = Mode(mode_of(self.config))
        capture = located(case.capture, bases_of(item))
        if mode is Mode.NONE and not capture.exists():
            raise ReplayError(
                f"there is no capture {case.capture}: looked in "
                + " and ".join(str(base) for base in dict.fromkeys(bases_of(item)))
            )
        finding = None if case.finding is None else located(case.finding, bases_of(item))
        place = self._place(case, request)
        return MarkedTest(
            name=_name_from_here(item),
            case=case,
            files=Files(capture, finding, self._directory(item, tmp_path_factory)),
            place=place,
            normals=self.normals,
            mode=mode,
            runs_override=self.config.getoption("deadheat_runs"),
            recorded_anew=self.recorded_anew,
        )

    def _place(self, case: Case, request: pytest.FixtureRequest) -> Place:
        asked = case.target
        if asked is None:
            asked = request.getfixturevalue("deadheat_target")
        allowed = (
            *self.config.getoption("deadheat_allow_host"),
            *configured_hosts(self.config.rootpath / CONFIG_FILE),
        )
        target, application = self._served(asked, allowed)
        source = case.jwt_key
        if source is None:
            source = request.getfixturevalue("deadheat_tokens")
        options = ("--jwt-key", str(source)) if isinstance(source, str | Path) else ()
        log = request.getfixturevalue("deadheat_log")
        if application is not None and log is not None:
            raise ReplayError(
                "deadheat_log is for a server elsewhere: what an application in this process logs "
                "is heard without it"
            )
        return Place(
            target=target,
            tokens=_tokens(source),
            log=None if log is None else Path(log),
            token_options=options,
            patience_s=case.patience_s,
            application=application,
        )

    def _served(
        self,
        asked: Any,  # noqa: ANN401  what a fixture returned
        allowed: tuple[str, ...],
    ) -> tuple[Target, UvicornServer | AsgiServer | None]:
        """Return the target, and what carries runs to it if it is an application to serve here."""
        from replay.engine.virtual.served_application import ServedApplication
        from replay.engine.virtual.uvicorn_server import app_target

        if isinstance(asked, ServedApplication):
            application = asked
        elif _APPLICATION.fullmatch(str(asked)):
            application = ServedApplication(str(asked), allowed_hosts=allowed)
        else:
            target = asked if isinstance(asked, Target) else Target(str(asked))
            check_allowed(target, allowed)
            return target, None
        # What is normal for one is normal for later tests only with its time of day.
        known = [server for each, server in self.applications if each == asked]
        if not known:
            known = [application.server()]
            self.applications.append((asked, known[0]))
        return app_target(application.name), known[0]

    def _directory(self, item: pytest.Item, tmp_path_factory: pytest.TempPathFactory) -> Path:
        name = re.sub(r"\W+", "_", item.name)[:40]
        kept: Path | None = self.config.getoption("deadheat_runs_dir")
        if kept is None:
            return tmp_path_factory.mktemp(f"deadheat-{name}-")
        try:
            kept.mkdir(parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=kept.resolve()))
        except OSError as error:
            raise ReplayError(f"cannot write {kept}: {error.strerror}") from error


def _name_from_here(item: pytest.Item) -> str:
    """Return what to type to run this test alone, from where pytest was called."""
    _, *rest = item.nodeid.split("::")
    return "::".join([os.path.relpath(item.path, item.config.invocation_params.dir), *rest])


def _tokens(source: Any) -> TokenSource:  # noqa: ANN401  what a fixture returned
    match source:
        case None:
            return TokenSource()
        case TokenSource():
            return source
        case str() | Path():
            return TokenSource(jwt_key=key_from(str(source)))
    # The value may be a secret, so only its type is shown.
    raise ReplayError(
        f"deadheat_tokens returned {type(source).__name__}, expected a TokenSource, or the "
        "environment variable or file that has the JWT key"
    )
