"""Where in a program a timer is set: the line that asked for it, whatever it asked with."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from types import CodeType, FrameType

import anyio

# What a program sets timers with, and what carries runs out.
_MEANS = (str(Path(asyncio.__file__).parent), str(Path(anyio.__file__).parent), contextlib.__file__)
_OURS = str(Path(__file__).parents[2])
_LOOP = str(Path(__file__).with_name("loop.py"))

_names: dict[CodeType, str | None] = {}


def timer_site() -> str:
    """Return the file and line of the program that sets a timer now; nothing where it is ours."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code not in _names:
            _names[code] = _name_of(code.co_filename)
        name = _names[code]
        if name is not None:
            return f"{name}:{frame.f_lineno}" if name else ""
        frame = frame.f_back
    return ""


def _name_of(file: str) -> str | None:
    """Return what a file is called; nothing for one of ours, None for one that is passed over."""
    if file.startswith(_MEANS) or file in (_LOOP, __file__):
        return None
    return "" if file.startswith(_OURS) else Path(file).name
