"""A new folder for what one command makes, so that nothing earlier is overwritten."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from capture.errors import UnwritableOutput


def numbered_directory(parent: Path, name: str) -> Path:
    """Make and return parent/name-1, or with the next number that is free.

    Raises UnwritableOutput.
    """
    for number in count(1):
        directory = parent / f"{name}-{number}"
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise UnwritableOutput(f"cannot write {directory}: {error.strerror}") from error
        return directory
    raise RuntimeError("numbers do not end")
