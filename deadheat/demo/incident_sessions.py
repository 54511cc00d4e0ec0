"""The sessions of data/samples, one for each root cause: healthy as they are recorded.

They are recorded against a staging of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from websockets.asyncio.client import connect

from capture.recording_process import recording
from deadheat.demo.chat_session import log_in, received_until, visit
from local_staging.edge_settings import EdgeSettings
from local_staging.launch import Staging, launch

# Together a little more than the 30 s and 90 s after which the incident takes a client for dead.
# Not much more: whoever is cut off then has a session until the run is over.
HELLO_S, RUN_S = 0.5, 119.6
LONGEST_S = RUN_S + 60.0


@dataclass(frozen=True, slots=True)
class Session:
    """A session to record: under which name, whose, and what the client does."""

    name: str
    user: str
    hold: Callable[[str, str], Awaitable[None]]


async def leave_in_mid_run(chat_url: str, token: str) -> None:
    """Ask for something that takes a while."""
    await visit(chat_url, token, ("Remind me in 0.4 seconds",))


async def come_back_later(chat_url: str, token: str) -> None:
    """Chat, be away for so long that an instance may have been cycled, and chat again."""
    await visit(chat_url, token, ("How much is 6 * 7?",))
    await asyncio.sleep(2)
    await visit(chat_url, token, ("What did I ask first?",))


async def say_hello(chat_url: str, token: str) -> None:
    """Connect and ask one thing."""
    await visit(chat_url, token, ("How much is 6 * 7?",))


async def wait_for_two_minutes(chat_url: str, token: str) -> None:
    """Have the agent work for two minutes, and ask whether it is there once it is through."""
    headers = {"Authorization": f"Bearer {token}"}
    async with connect(chat_url, additional_headers=headers) as socket:
        await received_until(socket, "connection_ready")
        await asyncio.sleep(HELLO_S)
        question = {"type": "chat", "text": f"Remind me in {RUN_S} seconds"}
        await socket.send(json.dumps(question))
        await received_until(socket, "agent_completed", LONGEST_S)
        await asyncio.sleep(0.2)
        await socket.send(json.dumps({"type": "ping"}))
        await received_until(socket, "pong")


SESSIONS = (
    Session("mid_run", "alice", leave_in_mid_run),
    Session("instance_cycle", "carol", come_back_later),
    Session("slow_dependencies", "alice", come_back_later),
    Session("two_minutes", "bob", wait_for_two_minutes),
    Session("connection_response", "carol", say_hello),
)


async def record(session: Session, chat_url: str, auth_url: str, directory: Path) -> Path:
    """Hold a session through a recorder, and return its capture."""
    capture = directory / f"{session.name}.capture.jsonl"
    async with recording(chat_url, capture) as recorded_url:
        token = await log_in(auth_url, session.user, f"{session.user}-staging-password")
        await session.hold(f"{recorded_url}/ws", token)
    return capture


async def _record_all(staging: Staging, directory: Path, sessions: tuple[Session, ...]) -> None:
    async def recorded(sessions: tuple[Session, ...]) -> None:
        for session in sessions:
            print(await record(session, staging.chat_url, staging.auth_url, directory), flush=True)
            # The next is not to find what this one left: that would be root cause 1.
            await asyncio.sleep(1)

    # The long one beside the others, as a user of its own.
    long = tuple(session for session in sessions if session.user == "bob")
    await asyncio.gather(recorded(long), recorded(tuple(s for s in sessions if s not in long)))


def main() -> None:
    """Record all sessions, or those that are named after the directory."""
    parser = argparse.ArgumentParser(
        prog="python -m deadheat.demo.incident_sessions", description=__doc__
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="where the captures go")
    known = [session.name for session in SESSIONS]
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which to record, of {', '.join(known)}"
    )
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        parser.error(f"there is no session {unknown[0]!r}, expected {', '.join(known)}")
    sessions = tuple(each for each in SESSIONS if not options.names or each.name in options.names)
    directory: Path = options.directory
    edge = EdgeSettings(limits={"min_instances": "1"})
    with launch(chat="incident", directory=directory / "staging", edge=edge) as staging:
        asyncio.run(_record_all(staging, directory, sessions))


if __name__ == "__main__":
    main()
