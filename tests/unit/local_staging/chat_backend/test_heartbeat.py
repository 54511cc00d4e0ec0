from local_staging.chat_backend.builds import Fixed, Incident


def test_the_two_minutes_of_the_incident() -> None:
    incident, fixed = Incident().heartbeat, Fixed().heartbeat
    assert incident.interval_s + incident.timeout_s == 120.0
    assert fixed.interval_s + fixed.timeout_s < 120.0 / 2
