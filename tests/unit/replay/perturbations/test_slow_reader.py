import pytest

from replay.errors import PlanError
from replay.perturbations import SlowReader
from replay.plan import After, Cue, Kind, Reading
from tests.unit.replay.captures import MS
from tests.unit.replay.perturbations.sessions import PLAN

ACK = After(Kind.MESSAGE, "c1", 1, "ack a")


def test_reading_stops_and_goes_on() -> None:
    plan = SlowReader("c1", 300 * MS, ACK, 5 * MS).apply(PLAN)
    assert plan.cues == (
        Cue(ACK, 5 * MS, Reading("c1", paused=True)),
        Cue(ACK, 305 * MS, Reading("c1", paused=False)),
    )


def test_to_the_end_it_never_goes_on() -> None:
    (cue,) = SlowReader("c1").apply(PLAN).cues
    assert cue == Cue(After(Kind.OPEN, "c1"), 0, Reading("c1", paused=True))


def test_a_server_may_give_up_on_who_reads_nothing_and_on_no_other() -> None:
    for pause in (SlowReader("c1"), SlowReader("c1", 300 * MS)):
        owed = pause.apply(PLAN).owed_to("c1")
        assert (owed.replies, owed.ending, owed.grace) == (False, False, False)
    owed = SlowReader("c1", bytes_per_s=100).apply(PLAN).owed_to("c1")
    assert (owed.replies, owed.ending, owed.grace) == (False, True, True)


def test_the_client_waits_longer_for_what_it_does_not_read() -> None:
    plan = SlowReader("c1", 300 * MS).apply(PLAN)
    waits = [
        (s.expected_wait_ns, t.expected_wait_ns)
        for s, t in zip(plan.of("c1"), PLAN.of("c1"), strict=True)
    ]
    assert [after - before for after, before in waits] == [0, *[300 * MS] * 5]


def test_fewer_replies_are_owed_to_it_and_to_no_other() -> None:
    plan = SlowReader("c1", bytes_per_s=1_000).apply(PLAN)
    assert not plan.cues
    assert plan.network_of("c1").read_bytes_per_s == 1_000
    assert plan.network_of("c1").receive_buffer_bytes == 4_096
    assert (plan.owed_to("c1").replies, plan.owed_to("c1").ending) == (False, True)
    assert plan.owed_to("c2").is_all


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"for_ns": -1}, "a for_ms of 0 or more, or none"),
        ({"gap_ns": -1}, "a gap_ms of 0 or more"),
        ({"bytes_per_s": 0}, "a bytes_per_s above 0"),
        ({"receive_buffer_bytes": 0}, "a receive_buffer_bytes above 0"),
        ({"bytes_per_s": 9, "for_ns": 1}, "either a bytes_per_s, which holds throughout, or a"),
        ({"bytes_per_s": 9, "after": ACK}, "either a bytes_per_s, which holds throughout, or a"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, int], complaint: str) -> None:
    with pytest.raises(PlanError, match=complaint):
        SlowReader("c1", **fields)  # type: ignore[arg-type]
