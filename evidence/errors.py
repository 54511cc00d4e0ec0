"""What can go wrong while writing a report; each message says what to do.

DeadheatError (capture.errors)
└── EvidenceError
    ├── UnprovenClaim    a why claims more than its evidence shows
    ├── DamagedHunt      the files of a hunt do not agree with each other
    └── ReportFailed     the notebook of a report failed; its own page says where
"""

from __future__ import annotations

from capture.errors import DeadheatError


class EvidenceError(DeadheatError):
    """Making a report failed."""


class UnprovenClaim(EvidenceError):
    """A why claims more than its evidence shows."""


class DamagedHunt(EvidenceError):
    """The files of a hunt do not agree with each other."""


class ReportFailed(EvidenceError):
    """The notebook did not run to its end."""
