"""A Python function of the user's own as a check."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from capture.format.model import Capture
from replay.errors import CheckError
from replay.oracles.checks.observed import Observed
from replay.oracles.checks.outcome import cannot_tell
from replay.oracles.verdict import Judgement, Symptom, SymptomKind, Verdict, judged


@dataclass(frozen=True, slots=True)
class Function:
    """`file.py:function` or `module:function`, which takes the capture of the run.

    True and None pass; False, a text that says what is wrong, and a failed assertion fail; a
    Judgement is taken as it is. Anything else, and any other exception, is unknown. It is loaded
    when the check is built: raises CheckError.
    """

    name: ClassVar[str] = "function"
    first: ClassVar[str] = "target"

    target: str
    _call: Callable[[Capture], Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_call", _loaded(self.target))

    def judge(self, seen: Observed) -> Judgement:
        """Return what the function says of the run. Raises what it raises."""
        try:
            said = self._call(seen.run)
        except AssertionError as error:
            return self._failed(str(error) or f"the assertion in line {_line_of(error)} fails")
        match said:
            case None | True | "":
                return Judgement(Verdict.PASS, reason="it is content")
            case False:
                return self._failed("returned False")
            case str():
                return self._failed(said)
            case Judgement():
                return said
        return cannot_tell(
            f"{self.target} returned {type(said).__name__}, expected bool, str, None or Judgement"
        )

    def _failed(self, what: str) -> Judgement:
        return judged([Symptom(SymptomKind.CHECK, f"{self.target}: {what}")])


def _line_of(error: AssertionError) -> int | None:
    return traceback.extract_tb(error.__traceback__)[-1].lineno


def _loaded(target: str) -> Callable[[Capture], Any]:
    place, _, name = target.rpartition(":")
    if not place or not name.isidentifier():
        raise CheckError(f"{target!r} is no function, expected file.py:function or module:function")
    try:
        module = _of_file(Path(place)) if place.endswith(".py") else _of_name(place)
    except Exception as error:  # any code of the user runs here
        what = f"{error.__class__.__name__}: {error}"
        raise CheckError(f"cannot load {place} for the check {target}: {what}") from error
    found = getattr(module, name, None)
    if not callable(found):
        raise CheckError(f"{place} has no function {name}")
    call: Callable[[Capture], Any] = found
    return call


def _of_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    with _importing_from(path.parent):
        spec.loader.exec_module(module)
    return module


def _of_name(name: str) -> ModuleType:
    with _importing_from(Path()):
        return importlib.import_module(name)


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """Let modules of a folder be imported, as they are when Python runs a file of it."""
    entry = str(folder.resolve())
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        sys.path.remove(entry)
