"""All targets, in the order in which they are hunted."""

from __future__ import annotations

from tests.targets.described import (
    auction,
    documents,
    gallery,
    lobby,
    orders,
    presence,
    profile,
    resume,
    rooms,
    seats,
    support,
    ticker,
    uploads,
    wallet,
)
from tests.targets.target import Target

ALL: tuple[Target, ...] = (
    auction.TARGET,
    documents.TARGET,
    gallery.TARGET,
    lobby.TARGET,
    orders.TARGET,
    presence.TARGET,
    profile.TARGET,
    resume.TARGET,
    rooms.TARGET,
    seats.TARGET,
    support.TARGET,
    ticker.TARGET,
    uploads.TARGET,
    wallet.TARGET,
)


def named(name: str) -> Target:
    """Return a target. Raises SystemExit for a name that there is not."""
    for target in ALL:
        if target.name == name:
            return target
    raise SystemExit(f"no target {name!r}, expected one of {', '.join(t.name for t in ALL)}")
