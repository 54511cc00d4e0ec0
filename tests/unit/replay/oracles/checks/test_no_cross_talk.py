import pytest

from capture.format.model import Capture, Frame, Secret
from tests.unit.replay.captures import MS, Connection, Events, capture_of
from tests.unit.replay.oracles.checks.judging import details, outcome, verdict

C1, C2, C3 = Connection("c1"), Connection("c2"), Connection("c3")


def opened(connection: Connection, user: str = "", claim: str = "sub") -> Events:
    shown = Secret(id=f"s-{user}", kind="jwt", claims={claim: user})
    return [connection.request(0, secrets=(shown,) if user else ()), connection.response(1)]


def of_two(*events: Events) -> Capture:
    return capture_of(opened(C1, "ann"), opened(C2, "bob"), *events)


def test_values_that_stay_with_their_user() -> None:
    run = of_two(
        C1.sent(5, {"type": "chat", "text": "what about Paris"}),
        C1.said(9, {"type": "answer", "of": "what about Paris"}),
        C2.said(9, {"type": "tick"}),
    )
    found = outcome("no_cross_talk", run)
    assert (found.verdict, found.detail) == ("pass", "3 values of 2 users looked for")


def test_a_value_of_another_user_is_named() -> None:
    run = of_two(
        C1.sent(5, {"type": "chat", "text": "what about Paris"}),
        C2.said(9, {"type": "answer", "text": "you asked: what about Paris?"}),
    )
    (symptom,) = outcome("no_cross_talk", run).judgement.symptoms
    assert symptom.detail == (
        "c2: message 1 of the server (type=answer) at 9.0 ms: "
        "holds 'what about Paris' of user ann, the user is bob"
    )
    assert (symptom.kind, symptom.connection, symptom.at_ns) == ("cross-talk", "c2", 9 * MS)


def test_the_name_of_another_user_is_one_too_but_not_inside_a_word() -> None:
    assert verdict("no_cross_talk", of_two(C2.said(9, {"user": "ann"}))) == "fail"
    assert verdict("no_cross_talk", of_two(C2.said(9, {"text": "I cannot"}))) == "pass"


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("order 123456", "fail"),
        ("«ünïcödé» order 123456, paid", "fail"),
        ("order 1234567", "pass"),
        ("preorder 123456", "pass"),
        ("order 12345", "pass"),
    ],
)
def test_a_part_of_a_longer_value_is_another_one(heard: str, expected: str) -> None:
    run = of_two(C1.sent(5, {"text": "order 123456"}), C2.said(9, {"text": heard}))
    assert verdict("no_cross_talk", run) == expected


def test_a_reconnect_of_the_same_user_gets_its_own() -> None:
    text = {"type": "chat", "text": "what about Paris"}
    run = of_two(opened(C3, "ann"), C1.sent(5, text), C3.said(9, text))
    assert verdict("no_cross_talk", run) == "pass"
    stranger = of_two(opened(C3, "eve"), C1.sent(5, text), C3.said(9, text))
    assert verdict("no_cross_talk", stranger) == "fail"


def test_what_two_users_send_or_the_server_said_first_belongs_to_nobody() -> None:
    both = {"type": "chat", "text": "good morning"}
    run = of_two(C1.sent(5, both), C2.sent(6, both), C1.said(7, both), C2.said(8, both))
    assert verdict("no_cross_talk", run) == "pass"
    offered = {"choices": ["room-12345678"]}
    joined = {"type": "join", "room": "room-12345678"}
    run = of_two(C1.said(2, offered), C1.sent(5, joined), C2.said(9, joined))
    assert verdict("no_cross_talk", run) == "pass"


def test_the_words_of_the_protocol_are_nobodys() -> None:
    run = of_two(
        C1.sent(5, {"type": "subscribe", "n": 3}), C2.said(9, {"type": "subscribe", "n": 3})
    )
    assert verdict("no_cross_talk", run) == "pass"


def test_what_was_said_before_it_was_sent_was_not_from_there() -> None:
    offered = C2.said(4, {"text": "ask me: what about Paris?"})
    run = of_two(offered, C1.sent(5, {"text": "what about Paris"}))
    assert verdict("no_cross_talk", run) == "pass"


def test_without_names_each_connection_is_a_user() -> None:
    sent = C1.sent(5, {"text": "what about Paris"})
    run = capture_of(opened(C1), opened(C2), sent, C2.said(9, {"text": "what about Paris"}))
    (detail,) = details("no_cross_talk", run)
    assert detail.endswith("of user c1, the user is c2")


def test_a_named_field_has_to_be_the_user() -> None:
    run = of_two(C1.said(5, {"user": "ann"}), C2.said(6, {"user": "eve"}))
    found = outcome("no_cross_talk:$.user", run)
    assert found.judgement.symptoms[0].detail == (
        "c2: message 1 of the server (with user) at 6.0 ms: $.user is eve, the user is bob"
    )


def test_the_user_may_be_in_another_claim_or_in_a_message() -> None:
    by_claim = capture_of(opened(C1, "7", claim="uid"), C1.said(5, {"user": 7}))
    assert verdict("no_cross_talk:$.user,claim=uid", by_claim) == "pass"
    hello = C1.sent(3, {"name": "ann"})
    by_message = capture_of(opened(C1), hello, C1.said(5, {"user": "bob"}))
    assert verdict("no_cross_talk:$.user,user=$.name", by_message) == "fail"


def test_the_token_may_come_in_the_first_message() -> None:
    shown = Secret(id="s1", kind="jwt", claims={"sub": "ann"})
    hello: Frame = C1.sent(3, "auth {{deadheat:jwt:s1}}", secrets=(shown,))
    run = capture_of(opened(C1), hello, C1.said(5, {"user": "bob"}))
    assert verdict("no_cross_talk:$.user", run) == "fail"


def test_where_there_is_nothing_to_mix_up_nothing_is_known() -> None:
    one = capture_of(opened(C1, "ann"), C1.said(5, {"user": "ann"}))
    assert "one user only" in outcome("no_cross_talk", one).detail
    nobody = capture_of(opened(C1), opened(C2), C1.said(5, {"user": "ann"}))
    assert "no client sent a value" in outcome("no_cross_talk", nobody).detail
    assert "no user is known" in outcome("no_cross_talk:$.user", nobody).detail
    assert "no message with $.who" in outcome("no_cross_talk:$.who", one).detail
    silent = of_two(C1.sent(5, "hello there"))
    assert "no message of the server matches all" in outcome("no_cross_talk", silent).detail
    for check, run in [("no_cross_talk", one), ("no_cross_talk:$.user", nobody)]:
        assert verdict(check, run) == "unknown"
