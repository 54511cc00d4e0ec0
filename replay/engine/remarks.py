"""What a run notes where it could not do as planned, in words that are found again."""

from __future__ import annotations

from capture.format.model import Capture, Note

IN_VAIN = "waited in vain for"
NOT_SENT = "was not sent"
AS_RECORDED = "was sent as recorded"
CUT_SHORT = "the connection ended before its steps"
UNDONE = "not done: "
# What an application in this process connected to itself.
ASKED = "the application asked a service that is real: "
KEPT_FROM = "the application was kept from connecting to "
TAPED = "what a service answered first it is taken to answer always: "
UNANSWERED = "a service did not answer, which was told as 502: "
PASSED_BY = "a client that blocks was kept from passing by the fake at "


def unplanned(run: Capture) -> list[str]:
    """Return what was not done as planned, or only after a wait that came to nothing."""
    return [
        f"{note.connection}: {note.text}" if note.text.startswith(CUT_SHORT) else note.text
        for note in _notes(run)
        if note.text.startswith((CUT_SHORT, UNDONE))
        or any(words in note.text for words in (IN_VAIN, NOT_SENT, AS_RECORDED))
    ]


def undone_by(run: Capture) -> str:
    """Return which change of the surroundings a run was to make and did not, or nothing."""
    texts = (note.text for note in _notes(run))
    return next((text.removeprefix(UNDONE) for text in texts if text.startswith(UNDONE)), "")


def about_services(run: Capture) -> list[str]:
    """Return what a person should know of the services that an application asked, and do."""
    said = []
    for note in _notes(run):
        if note.text.startswith(ASKED):
            said.append(
                f"{note.text}: time stands still meanwhile, but what it keeps stays from run to "
                "run, and may make them differ; --fake redis=HOST:PORT has one in memory"
            )
        if note.text.startswith((TAPED, UNANSWERED)):
            said.append(note.text)
        if note.text.startswith(PASSED_BY):
            said.append(f"{note.text}: fakes are for clients of asyncio")
        if note.text.startswith(KEPT_FROM):
            host = note.text.removeprefix(KEPT_FROM)
            said.append(
                f"{note.text}, which is not this machine: --fake has one in memory, and "
                f"--allow-host {host} allows it"
            )
    return said


def _notes(run: Capture) -> list[Note]:
    return [event for event in run.events if isinstance(event, Note)]
