"""The people who can log in to the stand-in. These passwords open nothing else."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class User:
    """One person with an account."""

    user_id: str
    name: str
    password: str = field(repr=False)


USERS = (
    User("alice", "Alice Arden", "alice-staging-password"),
    User("bob", "Bob Brooks", "bob-staging-password"),
    User("carol", "Carol Chen", "carol-staging-password"),
    # For tests with many: user-01 to user-60.
    *(
        User(f"user-{number:02}", f"User {number:02}", f"user-{number:02}-staging-password")
        for number in range(1, 61)
    ),
)

_BY_ID = {user.user_id: user for user in USERS}
_NOBODY = User("", "", "")


def user_named(user_id: str) -> User:
    """Return the user of that id."""
    return _BY_ID[user_id]


def authenticated(user_id: str, password: str) -> User | None:
    """Return the user whose password this is, or None."""
    user = _BY_ID.get(user_id, _NOBODY)
    # Compared for unknown users too, so that the time taken does not tell who has an account.
    same = hmac.compare_digest(user.password.encode(), password.encode())
    return user if same and user is not _NOBODY else None
