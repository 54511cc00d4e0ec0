import itertools

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from local_staging.auth_service.grants import (
    CODE_LIVES_S,
    REFRESH_LIVES_S,
    Grants,
    InvalidGrant,
)

PLACE = "http://127.0.0.1:8400/callback"
VERIFIER = "v" * 43


def grants() -> Grants:
    numbers = itertools.count(1)
    return Grants(lambda: f"drawn {next(numbers)}")


def code_of(known: Grants) -> str:
    return known.code("web", "alice", PLACE, create_s256_code_challenge(VERIFIER), now_s=0)


def test_a_code_is_redeemed_for_its_user() -> None:
    known = grants()
    user, refresh = known.redeem_code(code_of(known), "web", PLACE, VERIFIER, now_s=59)
    assert user == "alice"
    assert known.redeem_refresh(refresh, "web", now_s=59)[0] == "alice"


@pytest.mark.parametrize(
    ("client", "place", "verifier", "now_s", "complaint"),
    [
        ("web", PLACE, VERIFIER, CODE_LIVES_S, "too old"),
        ("other", PLACE, VERIFIER, 0, "another client or place"),
        ("web", PLACE + "/", VERIFIER, 0, "another client or place"),
        ("web", PLACE, "w" * 43, 0, "not that of the challenge"),
        ("web", PLACE, "", 0, "43 to 128 letters"),
        ("web", PLACE, "\u00fc" * 43, 0, "43 to 128 letters"),
    ],
)
def test_a_code_that_does_not_fit(
    client: str, place: str, verifier: str, now_s: int, complaint: str
) -> None:
    known = grants()
    with pytest.raises(InvalidGrant, match=complaint):
        known.redeem_code(code_of(known), client, place, verifier, now_s)


def test_a_code_that_was_tried_wrongly_is_gone() -> None:
    known = grants()
    code = code_of(known)
    with pytest.raises(InvalidGrant):
        known.redeem_code(code, "web", PLACE, "wrong", 0)
    with pytest.raises(InvalidGrant, match="unknown"):
        known.redeem_code(code, "web", PLACE, VERIFIER, 0)


def test_a_code_that_comes_again_ends_what_came_of_it() -> None:
    known = grants()
    code = code_of(known)
    _, refresh = known.redeem_code(code, "web", PLACE, VERIFIER, 0)
    with pytest.raises(InvalidGrant, match="redeemed before"):
        known.redeem_code(code, "web", PLACE, VERIFIER, 0)
    with pytest.raises(InvalidGrant, match="unknown"):
        known.redeem_refresh(refresh, "web", 0)


def test_a_refresh_token_that_comes_again_ends_its_family_and_no_other() -> None:
    known = grants()
    _, first = known.redeem_code(code_of(known), "web", PLACE, VERIFIER, 0)
    _, other = known.redeem_code(code_of(known), "web", PLACE, VERIFIER, 0)
    _, second = known.redeem_refresh(first, "web", 0)
    with pytest.raises(InvalidGrant, match="redeemed before"):
        known.redeem_refresh(first, "web", 0)
    with pytest.raises(InvalidGrant, match="unknown"):
        known.redeem_refresh(second, "web", 0)
    assert known.redeem_refresh(other, "web", 0)[0] == "alice"


def test_a_refresh_token_of_another_client_or_time() -> None:
    known = grants()
    _, refresh = known.redeem_code(code_of(known), "web", PLACE, VERIFIER, 0)
    with pytest.raises(InvalidGrant, match="another client"):
        known.redeem_refresh(refresh, "other", 0)
    _, refresh = known.redeem_code(code_of(known), "web", PLACE, VERIFIER, 0)
    with pytest.raises(InvalidGrant, match="too old"):
        known.redeem_refresh(refresh, "web", REFRESH_LIVES_S)
