"""The plan's section 1.4: the heartbeat fits what lies between client and server.

The plan says "within GCP NEG limits" and means 15 s. Google has no such limit: a serverless NEG has
a fixed backend timeout of 60 minutes, and Cloud Run cuts a WebSocket at its request timeout, 300 s
by default. Both are asked here, and named for what they are.
"""

from __future__ import annotations

import pytest

from local_staging.chat_backend.builds import Build, Fixed
from local_staging.chat_backend.heartbeat import (
    Heartbeat,
    HeartbeatMonitor,
    Infrastructure,
    answer_timeout_s,
)

# What an idle timeout of two minutes does, which is what the incident's symptom looks like.
TWO_MINUTES = Infrastructure(idle_timeout_s=120.0, slowest_round_trip_s=1.0)
CLOUD_RUN = Infrastructure(idle_timeout_s=3600.0, slowest_round_trip_s=1.0, request_timeout_s=300.0)


@pytest.mark.guards(4, "noticed after 120 s, and the idle timeout of 120 s has cut it by then")
def test_gcp_heartbeat_configuration(build: Build) -> None:
    assert list(build.heartbeat.misfits(CLOUD_RUN)) == []
    assert list(build.heartbeat.misfits(TWO_MINUTES)) == []


def test_heartbeat_that_is_too_rare() -> None:
    (rare,) = list(Heartbeat(119.5, 0.0).misfits(Infrastructure(120.0, 1.0)))[:1]
    assert "a ping each 119.5 s comes too late" in rare


def test_heartbeat_timeout_calculation() -> None:
    """A living connection that answers as late as it may is not taken for dead."""
    timeout_s = answer_timeout_s(slowest_round_trip_s=1.0, busy_s=4.0)
    assert timeout_s == 10.0
    heartbeat = Heartbeat(interval_s=20.0, timeout_s=timeout_s)
    monitor = HeartbeatMonitor(heartbeat, now_s=0.0)
    monitor.asked(20.0)
    assert not monitor.is_dead(20.0 + 1.0 + 4.0)
    assert monitor.is_dead(20.0 + 10.1)
    (misfit,) = Heartbeat(20.0, 1.0).misfits(CLOUD_RUN)
    assert "living connections would be cut" in misfit
    assert Fixed().heartbeat.timeout_s >= answer_timeout_s(CLOUD_RUN.slowest_round_trip_s, 4.0)


def test_heartbeat_failure_recovery() -> None:
    monitor = HeartbeatMonitor(Heartbeat(20.0, 10.0), now_s=0.0)
    assert monitor.ping_due_s() == 20.0
    monitor.asked(20.0)
    # Asked again while the first is unanswered: the first counts.
    monitor.asked(29.0)
    assert monitor.is_dead(30.1)
    monitor.heard(30.2)
    assert not monitor.is_dead(1_000.0)
    assert monitor.ping_due_s() == pytest.approx(50.2)
    monitor.asked(50.2)
    assert not monitor.is_dead(60.2)
    assert monitor.is_dead(60.3)
