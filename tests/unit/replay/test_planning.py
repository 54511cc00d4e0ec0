import msgspec
import pytest

from capture.format.model import CloseHow, Direction, Secret, Side
from replay.errors import PlanError
from replay.plan import START, End, Ending, Open, Pace, Send, Step
from replay.planning import plan_from_capture
from tests.unit.replay.captures import MS, Connection, capture_of

C1, C2 = Connection("c1"), Connection("c2")
SECRET = Secret(id="s1", kind="token")


def steps_of(*events: object, connection: str = "c1") -> tuple[Step, ...]:
    return plan_from_capture(capture_of(*events)).connections[connection]  # type: ignore[arg-type]


def follows(step: Step) -> tuple[str, float]:
    return str(step.after), step.gap_ns / MS


def test_a_step_follows_the_latest_event_before_it() -> None:
    steps = steps_of(
        C1.opened(100, answered_ms=110),
        C1.sent(115, "a"),
        C1.said(130, "b"),
        C1.sent(150, "c"),
        C1.sent(155, "d"),
        C1.left(200),
    )
    assert [follows(step) for step in steps] == [
        ("start", 0),
        ("c1 open", 5),
        ("c1 message 1: b", 20),
        ("c1 step 2", 5),
        ("c1 step 3", 45),
    ]


def test_times_count_from_the_first_connection() -> None:
    steps = steps_of(C1.opened(100), C1.sent(115, "a"), C1.left(130))
    assert [step.recorded_at_ns for step in steps] == [0, 15 * MS, 30 * MS]


def test_the_time_that_an_event_took_to_come_is_kept() -> None:
    steps = steps_of(
        C1.opened(0), C1.sent(10, "a"), C1.said(40, "b"), C1.sent(45, "c"), C1.left(50)
    )
    assert steps[2].expected_wait_ns == 30 * MS


def test_a_connection_opened_later_waits_since_the_start() -> None:
    events = [C1.opened(0), C1.sent(60_000, "a"), C2.opened(60_005), C1.left(61_000)]
    opening = steps_of(*events, C2.left(62_000), connection="c2")[0]
    assert follows(opening) == ("c1 step 1", 5)
    assert opening.expected_wait_ns == 60_000 * MS


def test_a_reconnect_follows_the_end_of_the_connection_before() -> None:
    events = [C1.opened(0), C1.sent(10, "a"), C1.left(20), C2.opened(100), C2.left(120)]
    assert follows(steps_of(*events, connection="c2")[0]) == ("c1 closed", 78)


@pytest.mark.parametrize(
    ("mine", "others"),
    [
        (Secret(id="s1", kind="token"), Secret(id="s2", kind="token")),
        # The same person logs in anew: the token differs, the subject does not.
        (
            Secret(id="s1", kind="jwt", claims={"sub": "ann"}),
            Secret(id="s2", kind="jwt", claims={"sub": "ben"}),
        ),
    ],
)
def test_a_client_that_comes_back_follows_its_own_connection_before(
    mine: Secret, others: Secret
) -> None:
    again = msgspec.structs.replace(mine, id="s3" if mine.claims else mine.id)
    c3 = Connection("c3")
    events = (
        *(C1.request(0, secrets=(mine,)), C1.response(1)),
        *(C2.request(5, secrets=(others,)), C2.response(6)),
        *(C1.left(20), C2.sent(30, "a"), C2.left(40)),
        *(c3.request(100, secrets=(again,)), c3.response(101), c3.left(120)),
    )
    assert follows(steps_of(*events, connection="c3")[0]) == ("c1 closed", 78)


def test_whose_session_it_takes_up_is_the_client_that_comes_back() -> None:
    c3 = Connection("c3")
    events = (
        *(C1.opened(0), C1.said(10, {"type": "welcome", "session": "s-1f2e"})),
        *(C1.left(20), C2.opened(30), C2.left(40)),
        *(c3.request(100, "ws://h/ws?session=s-1f2e"), c3.response(101), c3.left(120)),
    )
    assert follows(steps_of(*events, connection="c3")[0]) == ("c1 closed", 78)


def test_connections_opened_at_once_follow_the_start() -> None:
    events = [C1.opened(0), C2.opened(5), C1.left(50), C2.left(50)]
    # Of another connection only what this client did may be the reason to open.
    assert follows(steps_of(*events, connection="c2")[0]) == ("c1 step 0", 5)


def test_a_late_upgrade_is_part_of_opening() -> None:
    steps = steps_of(C1.request(30, connected_ms=10), C1.response(40), C1.left(50))
    assert steps[0].recorded_at_ns == 0
    assert isinstance(steps[0].action, Open)
    assert steps[0].action.upgrade_delay_ns == 20 * MS


def test_fragments_keep_their_offsets() -> None:
    steps = steps_of(
        C1.opened(0),
        C1.sent(10, "ab", fin=False, compressed=True),
        C1.sent(25, "cd", opcode="continuation"),
        C1.left(50),
    )
    action = steps[1].action
    assert isinstance(action, Send)
    assert [(part.payload, part.offset_ns) for part in action.fragments] == [
        (b"ab", 0),
        (b"cd", 15 * MS),
    ]
    assert action.compressed


def test_binary_stays_binary() -> None:
    steps = steps_of(C1.opened(0), C1.sent(10, b"\x00\xff"), C1.left(50))
    assert isinstance(steps[1].action, Send)
    assert not steps[1].action.is_text
    assert steps[1].action.fragments[0].payload == b"\x00\xff"


@pytest.mark.parametrize(
    ("events", "ending"),
    [
        (C1.left(50, code=4001), End(Ending.CLOSE, 4001)),
        (C1.dismissed(50), End(Ending.AWAIT)),
        ([C1.tcp_close(50, Side.SERVER)], End(Ending.AWAIT)),
        ([C1.tcp_close(50, Side.CLIENT)], End(Ending.FIN)),
        ([C1.tcp_close(50, Side.CLIENT, CloseHow.RESET)], End(Ending.RESET)),
        ([C1.said(50, "the recorder was killed here")], End(Ending.CLOSE, 1000)),
    ],
)
def test_the_client_ends_as_it_did(events: list, ending: End) -> None:
    assert steps_of(C1.opened(0), events)[-1].action == ending


@pytest.mark.parametrize("how", [CloseHow.FIN, CloseHow.RESET])
@pytest.mark.parametrize("side", list(Side))
def test_an_end_does_not_wait_for_itself(how: CloseHow, side: Side) -> None:
    steps = steps_of(C1.opened(0), C1.sent(10, "a"), [C1.tcp_close(50, side, how)])
    assert follows(steps[-1]) == ("c1 step 1", 40)


def test_what_echoes_a_message_needs_it() -> None:
    steps = steps_of(
        C1.opened(0),
        C1.said(10, {"id": "ticket-4711"}),
        C1.said(20, {"tick": 1}),
        C1.sent(30, {"use": "ticket-4711"}),
        C1.left(50),
    )
    assert [str(event) for event in steps[1].needs] == ["c1 message 1: with id"]
    assert str(steps[1].after) == "c1 message 1: with tick"


def test_a_refused_handshake_is_sent_again_too() -> None:
    steps = steps_of(C1.request(0), C1.response(5, 403), C1.tcp_close(6, Side.SERVER))
    assert [step.name for step in steps] == ["c1 step 0 (open)", "c1 step 1 (end)"]
    assert steps[1].action == End(Ending.AWAIT)


def test_a_connection_without_a_handshake_is_left_out() -> None:
    plan = plan_from_capture(capture_of(C1.opened(0), C1.left(10), C2.sent(5, "midway")))
    assert list(plan.connections) == ["c1"]


def test_a_capture_with_nothing_to_send_says_so() -> None:
    with pytest.raises(PlanError, match="record from before the client connects"):
        plan_from_capture(capture_of(C1.sent(5, "midway")))


def test_only_secrets_that_the_client_sent_need_fresh_ones() -> None:
    issued = Secret(id="s2", kind="token")
    plan = plan_from_capture(
        capture_of(
            C1.request(0, secrets=(SECRET,)),
            C1.response(1),
            C1.frame(5, Direction.SERVER_TO_CLIENT, "{{deadheat:token:s2}}", secrets=(issued,)),
            C1.left(9),
        )
    )
    assert plan.secrets == {"s1": SECRET}


def test_a_secret_in_a_message_of_the_client_is_known() -> None:
    sent = C1.sent(5, "{{deadheat:token:s1}}", secrets=(SECRET,))
    assert plan_from_capture(capture_of(C1.opened(0), sent, C1.left(9))).secrets == {"s1": SECRET}


def test_every_event_has_its_recorded_time() -> None:
    plan = plan_from_capture(capture_of(C1.opened(100), C1.said(110, "a"), C1.left(150)))
    recorded = {str(event): at_ns / MS for event, at_ns in plan.recorded_ns.items()}
    assert recorded == {
        "start": 0,
        "c1 step 0": 0,
        "c1 open": 1,
        "c1 message 1: a": 10,
        "c1 step 1": 50,
        "c1 closed": 52,
    }
    assert plan.step("c1", 0).after == START


def test_the_pace_is_handed_on() -> None:
    assert plan_from_capture(capture_of(C1.opened(0)), Pace.BURST).pace is Pace.BURST


def test_messages_are_counted_by_kind() -> None:
    steps = steps_of(
        C1.opened(0),
        C1.said(10, {"type": "welcome"}),
        C1.said(20, {"type": "tick"}),
        C1.sent(25, "a"),
        C1.said(30, {"type": "ack"}),
        C1.sent(35, "b"),
        C1.said(40, {"type": "ack"}),
        C1.sent(45, "c"),
        C1.left(50),
    )
    assert [str(step.after) for step in steps[1:4]] == [
        "c1 message 1: type=tick",
        "c1 message 1: type=ack",
        "c1 message 2: type=ack",
    ]


def test_no_step_waits_for_what_came_several_times_between_two_steps() -> None:
    ticks = [C1.said(at_ms, {"type": "tick"}) for at_ms in (10, 20, 30)]
    steps = steps_of(C1.opened(0), ticks, C1.sent(35, "a"), C1.left(50))
    assert follows(steps[1]) == ("c1 open", 34)


def test_no_step_waits_for_what_is_known_to_come_unasked() -> None:
    capture = capture_of(C1.opened(0), C1.said(10, {"type": "tick"}), C1.sent(35, "a"), C1.left(50))
    plan = plan_from_capture(capture, pushes=frozenset({"type=tick"}))
    assert follows(plan.step("c1", 1)) == ("c1 open", 34)


def test_what_brought_a_value_to_a_connection_is_what_its_opening_follows() -> None:
    plan = plan_from_capture(
        capture_of(
            C1.opened(0),
            C1.said(15, {"type": "welcome", "session": "s-1f2e"}),
            C2.request(20, "ws://h/ws?session=s-1f2e"),
            C2.response(21),
            C2.sent(22, {"type": "hi"}),
            C1.said(30, {"type": "news", "id": "n-77aa"}),
            C2.sent(34, {"type": "seen", "id": "n-77aa"}),
            C2.left(40),
            C1.left(60),
        )
    )
    opening, seen = plan.step("c2", 0), plan.step("c2", 2)
    assert (str(opening.after), opening.gap_ns) == ("c1 message 1: type=welcome", 5 * MS)
    assert (str(seen.after), seen.gap_ns) == ("c1 message 1: type=news", 4 * MS)
    assert opening.needs == (opening.after,)
    assert seen.needs == (seen.after,)


def test_a_message_called_by_what_the_server_issues_is_known_by_its_number() -> None:
    plan = plan_from_capture(
        capture_of(
            C1.opened(0), C1.said(5, "SESSION abc"), C1.sent(9, "RESUME SESSION=abc"), C1.left(20)
        )
    )
    step = plan.step("c1", 1)
    assert (str(step.after), list(map(str, step.needs))) == ("c1 message 1", ["c1 message 1"])


def test_a_value_from_any_kind_of_message_is_needed_by_its_number() -> None:
    said = [
        each
        for n, seq in enumerate((21, 22, 25))
        for each in (
            C1.said(10 * n + 2, {"type": "a" if n % 2 else "b", "seq": seq}),
            C1.sent(10 * n + 5, {"type": "ack", "ack": seq}),
        )
    ]
    plan = plan_from_capture(capture_of(C1.opened(0), said, C1.left(50)))
    needs = [str(event) for step in plan.steps() for event in step.needs]
    assert needs == ["c1 message 1", "c1 message 2", "c1 message 3"]
