import pytest

from local_staging.chat_backend.heartbeat import Heartbeat, HeartbeatMonitor, Infrastructure


def test_no_idle_timeout_fits_any_interval() -> None:
    assert list(Heartbeat(3600.0, 20.0).misfits(Infrastructure(None, 1.0))) == []


@pytest.mark.parametrize(
    ("heartbeat", "count"),
    [(Heartbeat(20, 20), 0), (Heartbeat(59, 20), 2), (Heartbeat(30, 30), 1), (Heartbeat(20, 1), 1)],
)
def test_what_does_not_fit_a_minute_and_a_second(heartbeat: Heartbeat, count: int) -> None:
    assert len(list(heartbeat.misfits(Infrastructure(60.0, 1.0)))) == count


def test_whatever_is_heard_puts_off_the_next_ping() -> None:
    monitor = HeartbeatMonitor(Heartbeat(20.0, 10.0), now_s=0.0)
    monitor.heard(15.0)
    assert monitor.ping_due_s() == 35.0
    assert not monitor.is_dead(1_000.0)
