"""Find the ASGI application that `module:attribute` names."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from replay.errors import ReplayError

AsgiApp = Callable[..., Any]


def application_maker(name: str) -> Callable[[], AsgiApp]:
    """Return what gives the application for one run; a factory makes it anew each time.

    What takes no arguments is a factory. Raises ReplayError.
    """
    module_name, colon, path = name.partition(":")
    if not (module_name and colon and path):
        raise ReplayError(f"the application is {name!r}, expected module:attribute")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise ReplayError(f"cannot import {module_name}: {error}") from error
        raise ReplayError(f"there is no module {module_name!r} to import from {here}") from None
    except Exception as error:
        raise ReplayError(
            f"cannot import {module_name}: {type(error).__name__}: {error}"
        ) from error
    for attribute in path.split("."):
        if not hasattr(found, attribute):
            raise ReplayError(f"{module_name} has no {path}")
        found = getattr(found, attribute)
    if not callable(found):
        raise ReplayError(f"{name} is a {type(found).__name__}, expected an ASGI application")
    return _made_by(name, found) if _is_factory(found) else lambda: found


def _made_by(name: str, factory: AsgiApp) -> Callable[[], AsgiApp]:
    if inspect.iscoroutinefunction(factory):
        raise ReplayError(f"{name} is an async function, expected a plain one that makes the app")
    return factory


def _is_factory(found: AsgiApp) -> bool:
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return False
    needed = [each for each in parameters if each.default is inspect.Parameter.empty]
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return not [each for each in needed if each.kind not in variable] and not any(
        each.kind in variable for each in parameters
    )
