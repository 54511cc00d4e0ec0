"""Errors that a person can mend are one family, and each says what it is for."""

import inspect

import pytest

from capture import errors

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.DeadheatError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_in_the_tree_of_the_docstring(kind: type[Exception]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")


def test_every_error_of_recording_and_reading_is_a_capture_error() -> None:
    assert {kind for kind in KINDS if not issubclass(kind, errors.CaptureError)} == {
        errors.DeadheatError
    }
