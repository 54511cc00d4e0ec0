"""What can go wrong while staging comes up; each message is one line and says what to do."""

from __future__ import annotations


class StagingError(Exception):
    """Staging could not be started as asked."""
