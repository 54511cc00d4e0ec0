"""A session in several runs: what varies by itself passes, each defect is accused and explained."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from capture.format.model import Capture, CloseHow, Event, Side
from replay.conditions import Owed
from replay.oracles.differential import Baseline
from replay.oracles.verdict import Judgement, Symptom, SymptomKind, Verdict
from tests.unit.replay.captures import Connection, capture_of

C1, C2 = Connection("c1"), Connection("c2")
HELLO, ACK, BYE = {"type": "hello"}, {"type": "ack", "of": "join"}, {"type": "bye"}


def run(
    *said: tuple[float, Any], sent: tuple[float, ...] = (10, 50), left_ms: float = 400
) -> Capture:
    """A run in which the client joins (10 ms) and asks (50 ms), and what the server said when."""
    return capture_of(
        C1.opened(0),
        [C1.sent(at_ms, {"do": index}, step=index + 1) for index, at_ms in enumerate(sent)],
        [C1.said(at_ms, payload) for at_ms, payload in said],
        C1.left(left_ms, step=len(sent) + 1),
    )


def usual(jitter_ms: float = 0) -> Capture:
    return run((5 + jitter_ms, HELLO), (15 + jitter_ms, ACK), (55 + jitter_ms, BYE))


BASELINE = Baseline.learned([usual(jitter_ms) for jitter_ms in (0, 1, 2, 1, 0)])


def judge(seen: Capture, baseline: Baseline = BASELINE) -> Judgement:
    return baseline.judge(seen)


def accused(seen: Capture, baseline: Baseline = BASELINE) -> Symptom:
    symptom = baseline.judge(seen).symptom
    assert symptom is not None, "the run passed"
    return symptom


def passes(seen: Capture, baseline: Baseline = BASELINE) -> bool:
    return baseline.judge(seen).verdict is Verdict.PASS


def test_what_unperturbed_runs_do_passes() -> None:
    assert passes(usual())
    assert passes(usual(jitter_ms=3.9))


def test_a_baseline_needs_a_run() -> None:
    with pytest.raises(ValueError, match="at least one run"):
        Baseline.learned([])


# What varies by itself.


def test_random_ids_and_timestamps_pass() -> None:
    def one(seed: int) -> Capture:
        random = Random(seed)
        message_id = f"{random.getrandbits(128):032x}"
        stamp = f"2026-01-01T10:00:{random.randrange(60):02d}Z"
        return run(
            (15, {"type": "ack", "id": message_id, "at": stamp, "n": random.randrange(1000)})
        )

    baseline = Baseline.learned([one(seed) for seed in range(5)])
    assert passes(one(99), baseline)
    assert accused(run(), baseline).kind == "missing"


def test_ids_that_happened_to_agree_pass() -> None:
    def one(message_id: str) -> Capture:
        return run((15, {"type": "ack", "id": message_id}))

    same = one("2f1c9a04-5d0e-4f5e-8b1c-0b6f7b0a7e11")
    assert passes(one("00000000-5d0e-4f5e-8b1c-0b6f7b0a7e11"), Baseline.learned([same] * 3))


def test_a_counter_that_goes_on_from_run_to_run_passes() -> None:
    runs = [run((15, {"type": "ack", "seq": 10 * n}), (16, {"seq": 10 * n + 1})) for n in range(5)]
    assert passes(
        run((15, {"type": "ack", "seq": 990}), (16, {"seq": 991})), Baseline.learned(runs)
    )


def test_ticks_at_odd_times_in_varying_numbers_pass() -> None:
    def one(seed: int, count: int) -> Capture:
        ticks = [(Random(seed + n).uniform(1, 390), {"type": "tick"}) for n in range(count)]
        return run((15, ACK), *ticks)

    baseline = Baseline.learned([one(seed, 3 + seed % 3) for seed in range(5)])
    assert all(
        passes(one(seed, count), baseline) for seed, count in ((7, 3), (8, 2), (9, 9), (10, 0))
    )
    assert accused(run((20, {"type": "tick"})), baseline).kind == "missing"


def test_ticks_are_not_owed_however_long_the_client_stays() -> None:
    tick = {"type": "tick"}
    runs = [run((15, ACK), *((20 + n, tick) for n in range(count))) for count in (2, 3, 4)]
    assert passes(run((15, ACK), left_ms=5_000), Baseline.learned(runs))


def test_ticks_that_a_longer_session_shows_pass() -> None:
    ticks = [(100.0 * n, {"type": "tick", "n": n}) for n in (1, 2)]
    longer = [*ticks, (300.0, {"type": "tick", "n": 3})]
    baseline = Baseline.learned([run(*ticks)] * 5, [run(*longer)])
    assert passes(run(*longer, (390, {"type": "tick", "n": 4})), baseline)


def test_pushes_whose_order_varies_pass() -> None:
    one, other = {"type": "presence"}, {"type": "history"}
    runs = [run((12, one), (13, other)), run((12, other), (13, one))]
    baseline = Baseline.learned(runs * 2)
    assert all(passes(each, baseline) for each in runs)


def test_either_of_two_endings_passes_where_both_are_usual() -> None:
    dismissed = capture_of(C1.opened(0), C1.dismissed(50, 1001))
    left = capture_of(C1.opened(0), C1.left(50))
    baseline = Baseline.learned([dismissed, left, dismissed])
    assert passes(dismissed, baseline)
    assert passes(left, baseline)


def test_more_connections_than_usual_are_none_of_its_business() -> None:
    both = capture_of(C1.opened(0), C1.left(50), C2.opened(10), C2.said(20, "x"), C2.left(50))
    baseline = Baseline.learned([capture_of(C1.opened(0), C1.left(50))])
    assert passes(both, baseline)


# What a perturbed client may not expect.


def test_a_client_that_leaves_early_is_owed_less() -> None:
    early = run((5, HELLO), (15, ACK), left_ms=60)
    assert passes(early)


def test_a_client_that_leaves_long_after_is_owed_all() -> None:
    symptom = accused(run((5, HELLO), (15, ACK), left_ms=1_000))
    assert symptom == Symptom(SymptomKind.MISSING, 'c1: the type="bye" message did not come', "c1")


def test_what_was_never_asked_is_not_owed() -> None:
    assert passes(run((5, HELLO), (15, ACK), sent=(10,)))


def test_a_reply_that_comes_later_than_ever_is_still_a_reply() -> None:
    assert passes(run((5, HELLO), (15, ACK), (395, BYE)))


# Defects.


def test_a_lost_message() -> None:
    symptom = accused(run((5, HELLO), (55, BYE)))
    assert symptom == Symptom(SymptomKind.MISSING, 'c1: the type="ack" message did not come', "c1")


def test_several_lost_messages_of_one_kind_are_counted() -> None:
    baseline = Baseline.learned([run((15, ACK), (16, ACK), (17, ACK))] * 3)
    symptom = accused(run((15, ACK)), baseline)
    assert symptom.detail == 'c1: the type="ack" message did not come (2 times)'


def test_an_extra_message() -> None:
    symptom = accused(run((5, HELLO), (15, ACK), (16, ACK), (55, BYE)))
    assert symptom.kind == "extra"
    assert symptom.detail.startswith('c1: the type="ack" message came 1 times too many: {')


def test_a_message_that_was_never_seen_before() -> None:
    symptom = accused(run((5, HELLO), (15, ACK), (20, {"type": "error", "why": "race"}), (55, BYE)))
    assert symptom.kind == "extra"
    assert "race" in symptom.detail


def test_a_changed_value_is_named_with_what_it_usually_is() -> None:
    symptom = accused(run((5, HELLO), (15, {"type": "ack", "of": "leave"}), (55, BYE)))
    assert symptom.kind == "changed"
    assert symptom.detail == 'c1: the type="ack" message changed: of was "leave", usually "join"'


def test_an_answer_instead_of_another_is_missing_and_extra() -> None:
    judgement = judge(run((5, HELLO), (15, {"type": "error", "code": 7}), (55, BYE)))
    assert [symptom.kind for symptom in judgement.symptoms] == ["missing", "extra"]


def test_a_changed_order_within_one_step() -> None:
    one, other = {"type": "one"}, {"type": "two"}
    baseline = Baseline.learned([run((12, one), (13, other))] * 3)
    symptom = accused(run((12, other), (13, one)), baseline)
    assert symptom.kind == "reordered"
    assert symptom.detail == 'c1: the type="two" message came before the type="one" message'


def test_binary_and_plain_text_are_compared_too() -> None:
    baseline = Baseline.learned([run((12, b"\x01\x02"), (13, "welcome, user 42"))] * 3)
    assert (
        accused(run((13, "welcome, user 42")), baseline).detail
        == "c1: a binary message 0102 did not come"
    )
    assert accused(run((12, b"\x01\x02"), (13, "welcome, user 43")), baseline).kind == "changed"
    assert accused(run((12, b"\x01\x02"), (13, "go away")), baseline).kind == "missing"


@pytest.mark.parametrize(
    ("ending", "detail"),
    [
        (
            C1.dismissed(60, 1011, "oops"),
            "c1 ended by the server, the server sent code 1011 (oops)",
        ),
        (C1.dismissed(60, 1000), "c1 ended by the server, the server sent code 1000"),
        (
            [C1.tcp_close(60, Side.SERVER, CloseHow.RESET)],
            "c1 ended by the server, the server sent no Close frame",
        ),
    ],
)
def test_an_unusual_ending(ending: list[Event], detail: str) -> None:
    seen = capture_of(
        C1.opened(0),
        C1.said(5, HELLO),
        C1.sent(10, "a", step=1),
        C1.said(15, ACK),
        C1.sent(50, "b", step=2),
        C1.said(55, BYE),
        ending,
    )
    assert accused(seen) == Symptom(SymptomKind.CLOSED, detail, "c1")


def test_another_close_code_of_the_server() -> None:
    dismissals = [capture_of(C1.opened(0), C1.dismissed(50, code)) for code in (1000, 1008)]
    symptom = accused(dismissals[1], Baseline.learned([dismissals[0]] * 3))
    assert (symptom.kind, symptom.detail) == (
        "closed",
        "c1 ended by the server, the server sent code 1008",
    )


def test_a_connection_that_the_server_kept_open() -> None:
    baseline = Baseline.learned([capture_of(C1.opened(0), C1.dismissed(50))] * 3)
    seen = capture_of(C1.opened(0), C1.tcp_close(900, Side.CLIENT, CloseHow.TIMEOUT))
    assert (
        accused(seen, baseline).detail == "c1 ended by the client, the server sent no Close frame"
    )


def test_a_refused_handshake_is_all_that_is_said_of_a_connection() -> None:
    refused = capture_of(C1.request(0), C1.response(1, 503, body="try later"), C1.left(2))
    judgement = judge(refused)
    assert [symptom.kind for symptom in judgement.symptoms] == ["refused"]
    symptom = accused(refused)
    assert symptom.detail == "c1: the handshake was answered 503 try later, usually 101"


def test_a_handshake_without_an_answer() -> None:
    symptom = accused(capture_of(C1.request(0), C1.tcp_close(900, Side.CLIENT, CloseHow.TIMEOUT)))
    assert (symptom.kind, symptom.detail) == ("timeout", "c1: no answer to the handshake")


def test_a_handshake_that_is_accepted_where_it_is_refused_usually() -> None:
    refused = capture_of(C1.request(0), C1.response(1, 403), C1.tcp_close(2, Side.SERVER))
    accepted = capture_of(C1.opened(0), C1.tcp_close(2, Side.SERVER))
    assert accused(accepted, Baseline.learned([refused] * 3)).kind == "refused"


def test_a_connection_that_was_never_opened() -> None:
    both = capture_of(C1.opened(0), C1.left(50), C2.opened(60), C2.left(90))
    only = capture_of(C1.opened(0), C1.left(50))
    symptom = accused(only, Baseline.learned([both] * 3))
    assert symptom == Symptom(SymptomKind.TIMEOUT, "c2 was never opened", "c2")


def test_the_connection_is_named() -> None:
    def one(*said: Event) -> Capture:
        return capture_of(
            C1.opened(0), C1.left(900), C2.opened(0), C2.sent(1, "a", step=1), *said, C2.left(900)
        )

    symptom = accused(one(), Baseline.learned([one(C2.said(5, HELLO))] * 3))
    assert (symptom.connection, symptom.detail[:3]) == ("c2", "c2:")


def test_the_server_owes_all_when_it_leaves_first() -> None:
    dismissed = capture_of(C1.opened(0), C1.said(5, HELLO), C1.dismissed(60))
    early = capture_of(C1.opened(0), C1.dismissed(6))
    assert accused(early, Baseline.learned([dismissed] * 3)).kind == "missing"


def chats(first_hears: bool, second_hears: tuple[dict[str, str], ...]) -> Capture:
    """One client asks, leaves, and another one comes; the server says BYE to who asks."""
    return capture_of(
        C1.opened(0),
        C1.sent(10, "ask", step=1),
        [C1.said(60, BYE)] if first_hears else [],
        C1.left(100 if first_hears else 30, step=2),
        C2.opened(500),
        [C2.said(505 + place, said) for place, said in enumerate(second_hears)],
        C2.sent(510, "ask", step=1),
        C2.said(560, BYE),
        C2.left(900, step=2),
    )


CHATS = Baseline.learned([chats(True, (HELLO,)) for _ in range(3)])


def test_what_a_client_left_too_early_to_hear_may_be_told_to_who_comes_next() -> None:
    assert passes(chats(False, (HELLO, BYE)), CHATS)
    assert passes(chats(False, (BYE, HELLO)), CHATS)
    assert not passes(chats(True, (HELLO, BYE)), CHATS)
    assert not passes(chats(False, (HELLO, BYE, BYE)), CHATS)
    assert not passes(chats(False, (HELLO, ACK)), CHATS)
    assert not passes(chats(False, (HELLO, BYE, BYE, BYE)), CHATS)


def test_it_may_be_told_in_the_next_run_and_not_in_the_one_after() -> None:
    early, late = chats(False, (HELLO,)), chats(True, (HELLO, BYE))
    unheard = CHATS.unheard(early)
    assert CHATS.judge(late, unheard=unheard).verdict is Verdict.PASS
    assert not unheard.came_late
    after = CHATS.unheard(late, unheard)
    assert (after.kinds.total(), after.came_late) == (0, True)
    assert CHATS.judge(late).verdict is Verdict.FAIL
    assert CHATS.unheard(early, unheard).kinds.total() == 2


def test_a_server_that_keeps_nothing_owes_nothing_after_a_whole_run() -> None:
    unheard = CHATS.unheard(chats(True, (HELLO,)), CHATS.unheard(chats(False, (HELLO,))))
    assert (unheard.kinds.total(), unheard.came_late) == (0, False)


def test_who_leaves_at_what_is_said_late_leaves_again_too_early() -> None:
    unheard = CHATS.unheard(chats(False, (HELLO,)))
    misled = chats(False, (BYE, HELLO))
    assert CHATS.judge(misled, unheard=unheard).verdict is Verdict.PASS
    after = CHATS.unheard(misled, unheard)
    assert (after.kinds.total(), after.came_late) == (1, True)


def test_who_is_still_there_is_owed_what_somebody_else_is_told() -> None:
    mixed_up = capture_of(
        C1.opened(0),
        C1.sent(10, "ask", step=1),
        C2.opened(20),
        C2.said(25, HELLO),
        C2.said(60, BYE),
        C2.sent(510, "ask", step=1),
        C2.said(560, BYE),
        C2.left(900, step=2),
        C1.left(1_500, step=2),
    )
    judgement = CHATS.judge(mixed_up)
    assert {symptom.kind for symptom in judgement.symptoms} >= {"missing", "extra"}


def test_what_came_changed_is_told_as_changed_however_early_the_client_left() -> None:
    def asks(balance: int, left_ms: float) -> Capture:
        return capture_of(
            C1.opened(0),
            C1.sent(10, "ask", step=1),
            C1.said(60, {"type": "balance", "cents": balance}),
            C1.left(left_ms, step=2),
        )

    usual = Baseline.learned([asks(1570, 100) for _ in range(3)])
    for left_ms in (61, 900):
        symptom = accused(asks(1500, left_ms), usual)
        assert symptom.kind == "changed"
        assert "cents was 1500, usually 1570" in symptom.detail


def test_a_client_that_broke_off_may_be_told_all_of_it_again() -> None:
    def breaks_off(*again: dict[str, str]) -> Capture:
        return capture_of(
            C1.opened(0),
            C1.sent(10, "ask", step=1),
            C1.said(60, BYE),
            C1.tcp_close(100, Side.CLIENT, CloseHow.RESET),
            C2.opened(500),
            [C2.said(501 + place, said) for place, said in enumerate((HELLO, *again))],
            C2.sent(510, "ask", step=1),
            C2.said(560, BYE),
            C2.left(900, step=2),
        )

    owed = {"c1": Owed("c1").less(ending=False)}
    assert CHATS.judge(breaks_off(BYE), owed).verdict is Verdict.PASS
    assert CHATS.judge(breaks_off(BYE, BYE), owed).verdict is Verdict.FAIL


def test_what_nobody_ever_says_is_not_told_late() -> None:
    unheard = CHATS.unheard(chats(False, (HELLO,)))
    odd = {"type": "bye", "lost": True}
    assert CHATS.judge(chats(True, (HELLO, BYE)), unheard=unheard).verdict is Verdict.PASS
    assert CHATS.judge(chats(True, (HELLO, odd)), unheard=unheard).verdict is Verdict.FAIL


def test_what_a_restart_kept_from_a_client_may_be_told_later() -> None:
    cut_off = capture_of(
        C1.opened(0),
        C1.sent(10, "ask", step=1),
        C1.tcp_close(30, Side.SERVER, CloseHow.RESET),
        C2.opened(500),
        C2.said(505, HELLO),
        C2.sent(510, "ask", step=1),
        C2.said(560, BYE),
        C2.left(900, step=2),
    )
    restarted = {"c1": Owed("c1").less(replies=False, ending=False, grace=False)}
    assert CHATS.unheard(cut_off, owed=restarted).kinds == {"type=bye": 1}
    assert not CHATS.unheard(cut_off).kinds


def test_what_comes_by_itself_is_not_waited_for() -> None:
    def ticking(*ticks_ms: float, left_ms: float = 900) -> Capture:
        return capture_of(
            C1.opened(0),
            C1.sent(10, "ask", step=1),
            C1.said(60, BYE),
            [C1.said(at_ms, {"type": "tick"}) for at_ms in ticks_ms],
            C1.left(left_ms, step=2),
        )

    ticks = Baseline.learned([ticking(200), ticking(200, 500), ticking(200, 400, 600)])
    assert not ticks.unheard(ticking(left_ms=150)).kinds
    assert not ticks.unheard(ticking(100, 200, 300, 400)).came_late


def test_what_another_client_may_have_brought_about_has_no_order() -> None:
    def joins(joined_ms: float, posted_ms: float) -> Capture:
        return capture_of(
            C1.opened(0),
            C2.opened(0),
            C1.sent(10, "join", step=1),
            C1.said(joined_ms, {"type": "joined"}),
            C2.sent(posted_ms, "post", step=1),
            C1.said(posted_ms + 5, {"type": "message"}),
            C1.left(900, step=2),
            C2.left(900, step=2),
        )

    usual = Baseline.learned([joins(60, 300) for _ in range(3)])
    assert passes(joins(60, 20), usual)


UNALIKE = {"c1": Owed("c1").less(alike=False)}


@pytest.mark.parametrize(
    ("seen", "is_forgiven"),
    [
        (usual(), True),
        (run((5, HELLO), (15, {"type": "ack", "of": "nothing"}), (55, {"type": "sorry"})), True),
        (capture_of(C1.opened(0), C1.dismissed(50, 4004)), True),
        (capture_of(C1.opened(0), C1.dismissed(50, 1011)), False),
        (capture_of(C1.opened(0), C1.tcp_close(60, Side.SERVER, CloseHow.RESET)), False),
        (capture_of(C1.opened(0), C1.tcp_close(900, Side.CLIENT, CloseHow.TIMEOUT)), True),
        (capture_of(C1.request(0), C1.response(1, 404), C1.left(2)), True),
        (capture_of(C1.request(0), C1.response(1, 500), C1.left(2)), False),
    ],
)
def test_a_server_that_was_told_other_things_may_say_what_follows(
    seen: Capture, is_forgiven: bool
) -> None:
    assert (BASELINE.judge(seen, UNALIKE).verdict is Verdict.PASS) is is_forgiven


def shown(shown_ms: float | None, *said: Event, left_ms: float = 900) -> Capture:
    shows = [] if shown_ms is None else [C2.sent(shown_ms, "show", step=1)]
    return capture_of(
        C1.opened(0),
        C1.sent(10, "look", step=1),
        said,
        C1.left(left_ms, step=2),
        C2.opened(0),
        shows,
        C2.left(1500, step=2),
    )


SHOWS = Baseline.learned([shown(200, C1.said(205, {"type": "picture"}))] * 3)


def test_what_another_connection_brings_about_is_owed_from_then_on() -> None:
    assert not passes(shown(200), SHOWS)
    assert passes(shown(1000), SHOWS)
    assert passes(shown(850), SHOWS)
    assert passes(shown(None), SHOWS)


def test_what_a_client_says_that_was_rightly_given_up_brings_nothing_about() -> None:
    given_up = capture_of(
        C1.opened(0),
        C1.sent(10, "look", step=1),
        C1.left(900, step=2),
        C2.opened(0),
        C2.sent(200, "show", step=1),
        C2.tcp_close(201, Side.SERVER, CloseHow.RESET),
    )
    late = {"c2": Owed("c2").less(replies=False, ending=False, grace=False)}
    assert SHOWS.judge(given_up, late).verdict is Verdict.PASS
    assert SHOWS.judge(given_up).verdict is Verdict.FAIL
    assert SHOWS.judge(shown(200), late).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("code", "at_ms", "is_forgiven"),
    [(1000, 2000, True), (4002, 2000, True), (1011, 2000, False), (1000, 700, False)],
)
def test_who_is_silent_for_longer_than_ever_may_be_given_up_in_order(
    code: int, at_ms: float, is_forgiven: bool
) -> None:
    seen = capture_of(
        C1.opened(0),
        C1.said(5, HELLO),
        C1.sent(10, {"do": 0}, step=1),
        C1.said(15, ACK),
        C1.dismissed(at_ms, code),
    )
    assert passes(seen) is is_forgiven


def test_who_hears_nothing_of_one_that_was_given_up_is_owed_less() -> None:
    given_up = capture_of(
        C1.opened(0),
        C1.sent(10, "look", step=1),
        C1.left(3000, step=2),
        C2.opened(0),
        C2.dismissed(2900, 4002),
    )
    assert passes(given_up, SHOWS)


@pytest.mark.parametrize(
    ("seen", "is_forgiven"),
    [
        (capture_of(C1.request(0), C1.response(8_000, 503), C1.left(8_002)), True),
        (capture_of(C1.request(0), C1.response(11_000, 503), C1.left(11_002)), False),
        (capture_of(C1.request(0), C1.response(8, 500), C1.left(12)), False),
        (capture_of(C1.opened(0), C1.dismissed(50, 1013)), True),
        (capture_of(C1.opened(0), C1.dismissed(50, 1011)), False),
    ],
)
def test_a_server_without_its_database_may_say_so_in_time(seen: Capture, is_forgiven: bool) -> None:
    judgement = BASELINE.judge(seen, is_cut_off=True)
    assert (judgement.verdict is Verdict.PASS) is is_forgiven
    assert BASELINE.judge(seen).verdict is Verdict.FAIL


def test_an_answer_that_comes_late_is_told_with_its_time() -> None:
    seen = capture_of(C1.request(0), C1.response(22_000, 503), C1.left(22_002))
    assert accused(seen).detail.endswith("503 after 22.0 s, usually 101")


def test_a_longer_run_tells_what_goes_on_and_not_what_else_may_be() -> None:
    def boards(moves: str, ticks: int) -> Capture:
        return run(
            *((20 + number, {"type": "tick", "n": number}) for number in range(ticks)),
            (55, {"type": "board", "moves": moves}),
        )

    usual = boards("e4 g1", 1)
    baseline = Baseline.learned([usual] * 3, [boards("e4", 3)])
    assert passes(boards("e4 g1", 5), baseline)
    assert accused(boards("e4", 1), baseline).kind == "changed"


def test_what_comes_to_who_is_silent_for_longer_than_ever_comes_by_itself() -> None:
    late = run((5, HELLO), (15, ACK), (55, BYE), (5_000, {"type": "beat"}), left_ms=5_400)
    soon = run((5, HELLO), (15, ACK), (55, BYE), (200, {"type": "beat"}))
    assert passes(late)
    assert accused(soon).kind == "extra"


@pytest.mark.parametrize(("ended_ms", "is_forgiven"), [(20_000, True), (900, False)])
def test_a_session_that_lasts_for_longer_than_ever_may_be_ended_in_order(
    ended_ms: float, is_forgiven: bool
) -> None:
    # Its last message and the end cross, so that is not answered.
    seen = capture_of(
        C1.opened(0),
        C1.said(5, HELLO),
        C1.sent(10, {"do": 0}, step=1),
        C1.said(15, ACK),
        C1.sent(ended_ms - 1, {"do": 1}, step=2),
        C1.dismissed(ended_ms, 4401, "token expired"),
    )
    assert passes(seen) is is_forgiven


@pytest.mark.parametrize(
    ("said", "is_forgiven"),
    [
        ({"type": "error", "reason": "rate limit exceeded"}, True),
        ({"type": "error", "reason": "too many messages"}, True),
        ({"type": "error", "reason": "too many connections"}, False),
    ],
)
def test_who_says_more_than_a_server_takes_is_told_so(said: object, is_forgiven: bool) -> None:
    assert passes(run((5, HELLO), (15, ACK), (55, said))) is is_forgiven


@pytest.mark.parametrize(
    ("said", "is_forgiven"),
    [
        # Told with the answer to the second step that the first was given up, or the second.
        ([(55, {"type": "cancelled", "of": "join"}), (56, BYE)], True),
        ([(55, {"type": "failed", "of": "join"}), (56, BYE)], False),
        ([(15, ACK), (55, {"type": "cancelled"})], False),
    ],
)
def test_who_asks_anew_may_be_told_that_what_was_before_is_given_up(
    said: list[tuple[float, Any]], is_forgiven: bool
) -> None:
    assert passes(run((5, HELLO), *said)) is is_forgiven


def acks(*batches: list[int]) -> Capture:
    return run(
        *((12 + 30 * number, {"type": "acks", "of": batch}) for number, batch in enumerate(batches))
    )


@pytest.mark.parametrize(
    ("batches", "is_forgiven"),
    [
        (([0, 1], [2]), True),
        (([0, 1, 2],), True),
        (([0], [2]), False),
        (([0, 1], [1], [2]), False),
        (([0, 1, 3], [2]), False),
    ],
)
def test_the_items_of_lists_may_come_in_more_or_fewer_messages(
    batches: tuple[list[int], ...], is_forgiven: bool
) -> None:
    usual = Baseline.learned([acks([0], [1], [2])] * 3)
    assert passes(acks(*batches), usual) is is_forgiven


def test_who_asks_while_the_server_works_is_owed_the_answer_after_the_work() -> None:
    def worked(asked_ms: float, left_ms: float, *said: tuple[float, Any]) -> Capture:
        return run((1_500, ACK), *said, sent=(10, asked_ms), left_ms=left_ms)

    in_turn = Baseline.learned([worked(1_600, 1_700, (1_605, BYE))] * 3)
    assert passes(worked(100, 1_400), in_turn)
    assert passes(worked(100, 1_600), in_turn)
    assert not passes(worked(100, 2_000), in_turn)


def test_a_list_that_lacks_an_item_is_changed_however_early_the_client_leaves() -> None:
    def lists(*lines: str) -> Capture:
        return run((12, {"type": "content", "lines": list(lines)}), left_ms=13)

    seen = accused(lists("one"), Baseline.learned([lists("one", "two")] * 3))
    assert seen.kind == "changed"


def test_what_is_heard_is_the_same_whatever_varies_or_comes_by_itself() -> None:
    def one(seed: int, *, of: str = "join", bye: bool = True, ended: float = 400) -> Capture:
        ticks = [(100.0 + n, {"type": "tick", "n": n}) for n in range(seed % 3)]
        said = [(15, {"type": "ack", "of": of, "id": f"{seed:032x}"}), *ticks]
        return run(*said, *([(55, BYE)] if bye else []), left_ms=ended)

    baseline = Baseline.learned([one(seed) for seed in range(5)])
    heard, again = baseline.heard(one(11)), baseline.heard(one(13, ended=700))
    assert heard == again
    assert heard["c1"].status == 101
    assert baseline.heard(one(11, of="leave"))["c1"] != heard["c1"]
    less = baseline.heard(one(11, bye=False))["c1"]
    assert less != heard["c1"]
    assert less <= heard["c1"]
    assert not heard["c1"] <= less


def test_how_long_a_session_may_be_is_not_told_by_one_that_was_cut_off() -> None:
    def ended(at_ms: float, code: int, reason: str) -> Capture:
        return capture_of(
            C1.opened(0), C1.sent(10, {"do": 0}, step=1), C1.dismissed(at_ms, code, reason)
        )

    usual = [ended(400, 4001, "bye")] * 3
    late = ended(30_000, 4401, "token expired")
    assert passes(late, Baseline.learned(usual))
    assert passes(late, Baseline.learned(usual, [late]))
