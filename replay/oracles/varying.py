"""What varies in a line of text from run to run: times, addresses, ids, numbers."""

from __future__ import annotations

import re

_VARYING = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.,]+Z?|0x[0-9a-f]+|[0-9a-fA-F]{8,}(?:-\w+)*|\d+")


def without_varying(line: str) -> str:
    """Return a line with a # in place of each time, address, id and number."""
    return _VARYING.sub("#", line).strip()
