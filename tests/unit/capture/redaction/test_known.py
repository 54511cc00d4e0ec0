"""A value met once is found wherever it comes again, however it is written there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.format.model import Secret
from capture.redaction import known
from capture.redaction.known import KnownSecrets

SECRET = Secret(id="s1", kind="token")


def knowing(*values: bytes) -> KnownSecrets:
    secrets = KnownSecrets()
    for number, value in enumerate(values, 1):
        secrets.add(value, Secret(id=f"s{number}", kind="token"), searched=True)
    return secrets


@given(st.binary(min_size=8, max_size=40), st.binary(max_size=40), st.binary(max_size=40))
def test_a_value_is_found_at_any_place(value: bytes, before: bytes, after: bytes) -> None:
    secrets = knowing(value)
    payload = before + value + after
    assert secrets.may_be_in(payload)
    places = [*secrets.find(payload)]
    assert any(start <= len(before) <= start + len(value) for start, _ in places)
    assert all(
        secrets.get(payload[start:end]) == Secret(id="s1", kind="token") for start, end in places
    )


@given(st.lists(st.binary(min_size=8, max_size=20), max_size=5), st.binary(max_size=60))
def test_what_is_not_there_is_not_found(values: list[bytes], payload: bytes) -> None:
    forms = [form for value in values for form in known._forms(value)]
    places = [*knowing(*values).find(payload)]
    assert bool(places) is any(form in payload for form in forms)
    assert all(payload[start:end] in forms for start, end in places)


@pytest.mark.parametrize("written", [b"ab/cd+ef==12", b"ab\\/cd+ef==12", b"ab%2Fcd%2Bef%3D%3D12"])
def test_a_value_is_found_however_it_is_escaped(written: bytes) -> None:
    secrets = knowing(b"ab/cd+ef==12")
    assert [*secrets.find(b"echo " + written)] == [(5, 5 + len(written))]
    assert secrets.get(written) == Secret(id="s1", kind="token")


def test_a_value_learnt_escaped_is_found_plain() -> None:
    assert [*knowing(b'say \\"friend\\" 1').find(b'say "friend" 1')] == [(0, 14)]
    assert [*knowing(b"ab%2Fcd%2Bef").find(b"ab/cd+ef")] == [(0, 8)]


def test_a_short_value_is_searched_for_as_a_word() -> None:
    secrets = knowing(b"hunter2", b"x.y*")
    assert [*secrets.find(b"no: hunter2, hunter22 x.y*")] == [(4, 11), (22, 26)]
    assert secrets.may_be_in(b"your password is hunter2")
    assert not secrets.may_be_in(b"huntress x-y*")


def test_a_tiny_value_is_the_same_secret_but_is_not_searched_for() -> None:
    secrets = knowing(b"a1b")
    assert secrets.get(b"a1b") == SECRET
    assert not secrets.may_be_in(b"a1b a1b")


def test_a_value_that_may_be_a_word_is_not_searched_for() -> None:
    secrets = KnownSecrets()
    secrets.add(b"accepted", SECRET, searched=False)
    assert secrets.get(b"accepted") == SECRET
    assert [*secrets.find(b"accepted")] == []


def test_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "MOST_REMEMBERED", 2)
    secrets = knowing(b"value-number-1", b"value-number-2", b"value-number-3")
    assert secrets.get(b"value-number-1") is None
    assert [*secrets.find(b"value-number-1 value-number-3")] == [(15, 29)]
    assert len(secrets._ending_blocks) == len(secrets._by_block)


def test_nothing_is_known_at_first() -> None:
    assert not KnownSecrets().may_be_in(b"anything at all")
    assert KnownSecrets().get(b"anything") is None
