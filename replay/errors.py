"""What can go wrong while replaying; each message says what to do.

DeadheatError (capture.errors)
└── ReplayError
    ├── PlanError        the plan, or a perturbation of it, is not legal
    ├── CheckError       a check that a user named cannot be understood
    ├── TargetRefused    nothing answers at the target
    ├── HostNotAllowed   the target is not loopback and not on the allow list
    ├── NoToken          a secret of the recording has no fresh one to stand in for it
    ├── LimitExceeded    more than a shared server is asked to bear
    └── ConfigurationError  deadheat.toml says something that makes no sense
"""

from __future__ import annotations

from capture.errors import DeadheatError


class ReplayError(DeadheatError):
    """Replaying failed."""


class PlanError(ReplayError):
    """The plan or the perturbation cannot be carried out legally."""


class CheckError(ReplayError):
    """A check cannot be understood, or what it names does not exist."""


class TargetRefused(ReplayError):
    """The target cannot be reached at all."""


class HostNotAllowed(ReplayError):
    """The target's host was not allowed."""


class NoToken(ReplayError):
    """There is no way to get a fresh secret."""


class LimitExceeded(ReplayError):
    """More than a shared server is asked to bear."""


class ConfigurationError(ReplayError):
    """The configuration file cannot be used."""
