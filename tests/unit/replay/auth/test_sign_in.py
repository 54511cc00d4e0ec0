import pytest

from replay.auth.sign_in import CodeListener, SignIn
from replay.errors import NoToken

BACK = "http://127.0.0.1:4711/callback"
SIGN_IN = SignIn("[oauth.person]", BACK, "the-state")


@pytest.mark.parametrize(
    ("url", "is_answer"),
    [
        (f"{BACK}?code=c&state=s", True),
        ("http://127.0.0.1:4711/favicon.ico", False),
        ("http://127.0.0.1:4712/callback?code=c", False),
        ("https://127.0.0.1:4711/callback?code=c", False),
        ("", False),
    ],
)
def test_only_the_redirect_that_was_asked_for_is_an_answer(url: str, is_answer: bool) -> None:
    assert SIGN_IN.is_answer(url) == is_answer


def test_the_code_comes_with_the_state_that_was_sent() -> None:
    assert SIGN_IN.code_in(f"{BACK}?state=the-state&code=the-code") == "the-code"


@pytest.mark.parametrize("query", ["code=the-code", "code=the-code&state=other", "state=%C3%A4"])
def test_another_state_is_not_believed(query: str) -> None:
    with pytest.raises(NoToken, match="another state than was sent") as caught:
        SIGN_IN.code_in(f"{BACK}?{query}")
    assert "the-code" not in str(caught.value)


def test_a_refusal_is_told() -> None:
    with pytest.raises(NoToken, match="the sign-in was refused: 'access_denied'"):
        SIGN_IN.code_in(f"{BACK}?state=the-state&error=access_denied")
    with pytest.raises(NoToken, match="the sign-in was refused: 'no code'"):
        SIGN_IN.code_in(f"{BACK}?state=the-state")


@pytest.mark.parametrize("uri", ["https://app.example/callback", "http://192.0.2.1/callback"])
def test_who_cannot_hear_the_answer_says_what_to_do(uri: str) -> None:
    with (
        CodeListener.on(uri, "[oauth.person]") as listener,
        pytest.raises(NoToken, match="or pass --oauth-code person=ENV"),
    ):
        listener.code(SIGN_IN, 1)


def test_the_state_is_in_no_repr() -> None:
    assert "the-state" not in repr(SIGN_IN)
