"""What can go wrong while recording or reading; each message says what to do.

DeadheatError            one clear line for the person at the terminal
└── CaptureError
    ├── NotACapture      the file is something else, or damaged before its end
    ├── NewerVersion     written by a later Deadheat
    ├── UnwritableOutput the output path cannot be written
    ├── ListenRefused    the recorder cannot listen where it was told to
    └── ToolMissing      a program that the source needs is not installed
"""

from __future__ import annotations


class DeadheatError(Exception):
    """Something the person can mend; its text is one line."""


class CaptureError(DeadheatError):
    """Recording or reading a capture failed."""


class NotACapture(CaptureError):
    """The input is not a capture, or not the kind of file the source reads."""


class NewerVersion(CaptureError):
    """The capture was written by a later version of Deadheat."""


class UnwritableOutput(CaptureError):
    """The output path cannot be written, or would overwrite something."""


class ListenRefused(CaptureError):
    """The address to listen on cannot be used."""


class ToolMissing(CaptureError):
    """A program that this source needs is not installed."""
