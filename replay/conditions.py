"""What a plan changes beside its steps: the network, the server, and what is owed under that."""

from __future__ import annotations

from dataclasses import dataclass

from replay.events import After


@dataclass(frozen=True, slots=True)
class Reading:
    """From now on the client reads what comes on a connection, or leaves it to pile up."""

    connection: str
    paused: bool

    def __str__(self) -> str:
        what = "stops reading" if self.paused else "reads again"
        return f"the client {what} on {self.connection}"


@dataclass(frozen=True, slots=True)
class Restart:
    """Run the command that restarts the server."""

    def __str__(self) -> str:
        return "the restart command runs"


@dataclass(frozen=True, slots=True)
class ProxyFault:
    """Put a fault on the named fault proxy, or with None take `key` off again."""

    proxy: str
    key: str
    fault: object | None

    def __str__(self) -> str:
        what = "the fault is lifted" if self.fault is None else f"{self.fault} is on"
        return f"{self.proxy}: {what}"


Change = Reading | Restart | ProxyFault


@dataclass(frozen=True, slots=True)
class Cue:
    """A change of what is around the connections, `gap_ns` after an event."""

    after: After
    gap_ns: int
    change: Change


@dataclass(frozen=True, slots=True)
class Barrier:
    """Steps that wait for each other: the first goes when all could, each next `apart_ns` later."""

    members: tuple[tuple[str, int], ...]
    apart_ns: int = 0


@dataclass(frozen=True, slots=True)
class Network:
    """What is between the client and the server on one connection.

    Pings are answered `pong_delay_ns` late, with None never. `read_bytes_per_s` None is unlimited.
    `receive_buffer_bytes` None leaves it to the system.
    """

    pong_delay_ns: int | None = 0
    read_bytes_per_s: int | None = None
    receive_buffer_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Owed:
    """What the server owes a connection that a perturbation changed.

    It is to be like the baseline's connection `like`. Without `replies`, answers may lack; without
    `alike`, the server knows other things and may say what follows from them, and close for them;
    without `ending`, it may end otherwise, though not with a server's error; without `grace`, even
    so.
    """

    like: str
    replies: bool = True
    alike: bool = True
    ending: bool = True
    grace: bool = True

    @property
    def is_all(self) -> bool:
        """Whether nothing may lack."""
        return self.replies and self.alike and self.ending and self.grace

    def less(
        self,
        *,
        replies: bool = True,
        alike: bool = True,
        ending: bool = True,
        grace: bool = True,
    ) -> Owed:
        """Return what is owed when this may lack as well."""
        return Owed(
            self.like,
            self.replies and replies,
            self.alike and alike,
            self.ending and ending,
            self.grace and grace,
        )
