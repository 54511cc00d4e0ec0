"""How a run differs grossly from the recording: not the same conversation at all."""

from __future__ import annotations

from collections.abc import Iterable

from capture.format.model import Capture, Side, UpgradeResponse
from replay.oracles.transcript import Transcript, transcripts

REDIRECTS = range(300, 400)


def departures(run: Capture, recorded: Capture, names: Iterable[str]) -> list[str]:
    """Return a sentence for each of these connections that went quite otherwise."""
    as_recorded, seen = transcripts(recorded), transcripts(run)
    differences = []
    for name in names:
        difference = _gross_difference(as_recorded[name], seen.get(name))
        if difference:
            differences.append(difference + _redirected(run, name))
    return differences


def _redirected(run: Capture, connection: str) -> str:
    """Return where a handshake was sent instead; nobody went there."""
    for event in run.of_connection(connection):
        if isinstance(event, UpgradeResponse) and event.status in REDIRECTS:
            wanted = (value for name, value in event.headers if name.lower() == "location")
            location = next(wanted, "nowhere")
            return f"; it was redirected to {location}, and redirects are not followed"
    return ""


def _gross_difference(recorded: Transcript, seen: Transcript | None) -> str:
    name = recorded.connection
    if seen is None or seen.status != recorded.status:
        if seen is None or seen.status is None:
            return f"the handshake of {name} was not answered, recorded {recorded.status}"
        answer = f"{seen.status} {seen.refusal}"[:100].rstrip()
        return f"the handshake of {name} was answered {answer}, recorded {recorded.status}"
    by_server = seen.ending.first is Side.SERVER
    if by_server and recorded.ending.first is not Side.SERVER:
        return f"{name} {seen.ending}, recorded as ended by the client"
    if recorded.replies and not seen.replies:
        return f"the server said nothing on {name}, recorded {len(recorded.replies)} messages"
    return ""
