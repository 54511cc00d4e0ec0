from capture.format.model import Capture, Note
from replay.timers import MOST_NOTED, NOTED, Timer, timers_note, timers_of
from tests.unit.replay.captures import MS, Connection, capture_of


def noting(text: str) -> Capture:
    return capture_of(Connection("c1").opened(0), [Note(at_ns=5 * MS, text=text)])


def test_what_is_noted_is_read_again() -> None:
    timers = (Timer(7 * MS, "chat.py:9"), Timer(20_000 * MS, "chat.py:4"), Timer(22 * MS, "a.py:1"))
    assert timers_of(noting(timers_note(timers))) == tuple(sorted(timers))


def test_a_person_reads_milliseconds_by_place() -> None:
    note = timers_note([Timer(1_500_000, "a.py:1"), Timer(2_000_000, "a.py:1")])
    assert note == NOTED + '{"a.py:1": [1.5, 2.0]}'


def test_a_run_without_timers_notes_nothing() -> None:
    assert timers_note([]) == ""
    assert timers_of(noting("something else")) == ()


def test_the_first_ones_are_noted_where_there_are_very_many() -> None:
    many = [Timer(number * MS, "a.py:1") for number in range(MOST_NOTED + 5, 0, -1)]
    told = timers_of(noting(timers_note(many)))
    assert (len(told), told[0].ends_ns) == (MOST_NOTED, MS)
