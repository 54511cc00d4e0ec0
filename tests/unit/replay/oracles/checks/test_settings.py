"""The settings of checks as text and as JSON, and the way back; and what is refused."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay.errors import CheckError
from replay.oracles.checks import (
    CHECKS,
    Check,
    Observed,
    from_json,
    judged,
    parse,
    text_of,
    to_json,
)
from replay.oracles.checks.close_codes import CloseCodes
from replay.oracles.checks.exactly_once import ExactlyOnce
from replay.oracles.checks.field import Field
from replay.oracles.checks.handshake_within import HandshakeWithin
from replay.oracles.checks.log_pattern import LogPattern
from replay.oracles.checks.no_cross_talk import NoCrossTalk
from replay.oracles.checks.no_lost_message import NoLostMessage
from replay.oracles.checks.order import Order
from replay.oracles.checks.selector import Selector
from tests.unit.replay.captures import MS, Connection, capture_of

READ: list[tuple[str, Check]] = [
    ("no_lost_message", NoLostMessage()),
    ("no_lost_message:type=chat", NoLostMessage(of=Selector("type=chat"))),
    (
        "no_lost_message:of=type=chat,by=$.id,echoed=$.of,within=1.5s",
        NoLostMessage(Selector("type=chat"), Field("$.id"), Field("$.of"), within_ns=1500 * MS),
    ),
    ("no_lost_message:of=/a,b/", NoLostMessage(of=Selector("/a,b/"))),
    ("order:$.seq,strict=yes", Order(by=Field("$.seq"), strict=True)),
    (
        "order:events=a,type=b,/c/,per=$.run",
        Order(events=(Selector("a"), Selector("type=b"), Selector("/c/")), per=Field("$.run")),
    ),
    ("exactly_once:by=$.id,across=yes", ExactlyOnce(Field("$.id"), across=True)),
    ("no_cross_talk", NoCrossTalk()),
    ("no_cross_talk:$.user,claim=uid", NoCrossTalk(Field("$.user"), claim="uid")),
    ("handshake_within:250ms", HandshakeWithin(250 * MS)),
    ("handshake_within:limit=2s,since=connect", HandshakeWithin(2000 * MS, "connect")),
    ("close_codes:1000,1001", CloseCodes((1000, 1001))),
    ("close_codes:forbid=1006", CloseCodes(forbid=(1006,))),
    ("log_pattern:Error|a,b{1,2}", LogPattern("Error|a,b{1,2}")),
    ("log_pattern:never=x=1,must=ready", LogPattern("x=1", "ready")),
]


@pytest.mark.parametrize(("text", "check"), READ, ids=[text for text, _ in READ])
def test_a_check_from_the_text_of_a_shell(text: str, check: Check) -> None:
    assert parse(text) == check


@pytest.mark.parametrize("check", [check for _, check in READ], ids=text_of)
def test_text_and_json_lead_back_to_the_check(check: Check) -> None:
    assert parse(text_of(check)) == check
    assert from_json(to_json(check)) == check


def test_json_has_units_in_its_names_and_is_text_too() -> None:
    content = {"check": "no_lost_message", "by": "$.id", "within_ms": 1500.0}
    assert to_json(parse("no_lost_message:by=$.id,within=1500ms")) == content
    assert parse('{"check": "close_codes", "allow": [1000]}') == CloseCodes((1000,))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("exactly_one:by=$.id", "there is no check 'exactly_one', expected one of: no_lost"),
        ("exactly_once", "exactly_once needs by, expected one of: by, of, asked, across"),
        ("exactly_once:bi=$.id", "'bi=\\$.id' is no field"),
        ("exactly_once:$.id,by=$.x", "exactly_once has by twice"),
        ("no_lost_message:bye=$.id", "'bye=\\$.id' selects nothing"),
        ("no_lost_message:of=type=chat,bye=$.id", "selects nothing"),
        ("no_lost_message:echoed=$.id", "needs by"),
        ("no_lost_message:within=0s", "expected above 0"),
        ("handshake_within:2", "expected a time such as 2s or 500ms"),
        ("handshake_within:0ms", "expected above 0"),
        ("handshake_within:2s,since=open", "expected request or connect"),
        ("close_codes", "needs allow=1000,1001 or forbid"),
        ("close_codes:normal", "'normal' is no whole number"),
        ("close_codes:99", "99 is no close code, expected 1000 to 4999"),
        ("order", "needs either by=.* or events="),
        ("order:by=$.seq,events=a,b", "needs either"),
        ("order:events=a", "a alone, expected two or more"),
        ("order:by=$.seq,strict=maybe", "expected yes or no"),
        ("log_pattern", "needs never=REGEX or must=REGEX"),
        ("log_pattern:(", "is no regular expression"),
        ('{"check": "order"', "is no JSON"),
        ("{", "is no JSON"),
        ('{"check": "nothing"}', "check is 'nothing', expected one of"),
        ('{"check": "close_codes", "allow": "1000"}', "allow is 1000: expected a list"),
        ('{"check": "close_codes", "allow": [true]}', "expected a whole number"),
        ('{"check": "handshake_within", "limit_ms": "2"}', "expected a number of milliseconds"),
        (
            '{"check": "handshake_within", "limit": 2}',
            "no setting 'limit', expected one of: limit_ms",
        ),
        ('{"check": "exactly_once", "by": 3}', "expected a text"),
        ('{"check": "exactly_once", "by": "$.id", "across": "yes"}', "expected true or false"),
    ],
)
def test_what_cannot_be_understood_says_why(text: str, complaint: str) -> None:
    with pytest.raises(CheckError, match=complaint):
        parse(text)


@pytest.mark.parametrize("kind", CHECKS, ids=lambda kind: kind.name)
def test_every_check_has_a_test_of_its_own_and_an_unmistakable_name(kind: type[Check]) -> None:
    names: list[Any] = [each.name for each in CHECKS]
    assert names.count(kind.name) == 1
    assert kind.first


NAMES = [kind.name for kind in CHECKS if kind.name != "function"]
PARTS = st.sampled_from(
    [*"=,:/$.[]*#", "by", "of", "allow", "limit", "within", "events", "never", "2s", "$.id", "1000"]
)


@pytest.mark.filterwarnings("ignore:Possible")
@settings(max_examples=400, deadline=None)
@given(st.sampled_from(NAMES), st.lists(PARTS | st.text(max_size=4), max_size=8).map("".join))
def test_any_text_is_a_check_that_writes_itself_or_is_refused(name: str, text: str) -> None:
    try:
        check = parse(f"{name}:{text}")
    except CheckError:
        return
    assert from_json(to_json(check)) == check
    assert parse(text_of(check)) == check


@given(st.integers(1, 10**14))
def test_a_time_is_written_to_the_nanosecond(limit_ns: int) -> None:
    check = HandshakeWithin(limit_ns)
    assert parse(text_of(check)) == check == from_json(to_json(check))


MESSAGES = st.one_of(
    st.text(max_size=8),
    st.dictionaries(
        st.sampled_from(["id", "seq", "type", "user"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    ),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["c1", "c2"]), st.booleans(), MESSAGES), max_size=8))
def test_no_run_breaks_a_check(messages: list[tuple[str, bool, Any]]) -> None:
    events = []
    for at_ms, (name, is_of_client, message) in enumerate(messages):
        connection = Connection(name)
        say = connection.sent if is_of_client else connection.said
        events.append(say(at_ms, message))
    for found in judged([check for _, check in READ], Observed.of(capture_of(events), ["x"])):
        assert "crashed" not in found.judgement.reason, found
