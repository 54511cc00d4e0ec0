from __future__ import annotations

from local_staging.auth_service.users import USERS, authenticated


def test_each_user_has_a_password_of_their_own() -> None:
    for user in USERS:
        assert [other for other in USERS if authenticated(other.user_id, user.password)] == [user]


def test_nobody_has_no_password() -> None:
    assert authenticated("", "") is None
    assert authenticated("mallory", "") is None


def test_password_is_not_in_the_representation() -> None:
    assert USERS[0].password not in repr(USERS[0])
