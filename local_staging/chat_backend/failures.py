"""Say in one line why a connection failed."""

from __future__ import annotations


def root_cause(error: BaseException) -> BaseException:
    """Return the first error inside a group, and inside the groups in it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def described(error: BaseException) -> str:
    """Return the error's text after the name of its built-in class.

    Libraries move to subclasses of their own; searches of the log, and alerts, stay valid so.
    """
    kind = next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins")
    return f"{kind.__name__}: {error}"
