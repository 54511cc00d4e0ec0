"""Running tshark: the only file of the import that starts a process.

It runs without the person's own Wireshark settings, so that these cannot change what is read.
Keys for TLS will be one more option here (tls.keylog_file), and `follow,tls` below.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO

from capture.errors import CaptureError, ToolMissing

# A packet quoted within an ICMP error was not sent again; the first packet begins the time.
TCP_PACKETS = "frame.number == 1 || (tcp && !icmp && !icmpv6)"
FIELDS = (
    *("frame.number", "frame.time_epoch", "frame.len", "frame.cap_len"),
    *("ip.src", "ipv6.src", "tcp.srcport", "tcp.stream"),
    *("tcp.seq", "tcp.len", "tcp.flags", "tcp.payload"),
)
PREFERENCES = ("tcp.relative_sequence_numbers:TRUE", "tcp.analyze_sequence_numbers:TRUE")
READ_AS_FAR_AS_IT_GOES = ("cut short", "damaged or corrupt")


class Tshark:
    """tshark on one file. Raises ToolMissing when there is none; leave the context to clean up.

    `problem` is what tshark says of a file that it could read only in part.
    """

    def __init__(self, file: Path) -> None:
        program = shutil.which("tshark")
        if program is None:
            raise ToolMissing(
                "tshark is not installed, it reads packet files: apt install tshark (Debian, "
                "Ubuntu), dnf install wireshark-cli (Fedora), brew install wireshark (macOS)"
            )
        self.file = file
        self.problem = ""
        self._program = program
        self._settings = tempfile.TemporaryDirectory(prefix="deadheat-tshark-")

    def __enter__(self) -> Tshark:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._settings.cleanup()

    def packets(self) -> Iterator[bytes]:
        """Yield a line of FIELDS, parted by tabs, for the first packet and every TCP packet."""
        fields = [argument for field in FIELDS for argument in ("-e", field)]
        # Of a packet in a tunnel the innermost addresses count: the last ones.
        arguments = ("-Y", TCP_PACKETS, "-T", "fields", "-E", "occurrence=l", *fields)
        with self._running(arguments, subprocess.PIPE) as process:
            if process.stdout is None:
                raise RuntimeError("the process has no standard output")
            yield from process.stdout

    def follow(self, streams: Sequence[int], output: IO[bytes]) -> None:
        """Write the bytes of TCP streams to `output`, in one pass over the file."""
        if not streams:
            return
        taps = [argument for number in streams for argument in ("-z", f"follow,tcp,yaml,{number}")]
        with self._running(("-q", *taps), output):
            pass

    @contextmanager
    def _running(
        self, arguments: Sequence[str], output: int | IO[bytes]
    ) -> Iterator[subprocess.Popen[bytes]]:
        preferences = [argument for text in PREFERENCES for argument in ("-o", text)]
        # An absolute path: no name is taken for an option, or "-" for standard input.
        command = [self._program, "-n", "-r", str(self.file.absolute()), *preferences, *arguments]
        environment = os.environ | {"LC_ALL": "C", "WIRESHARK_CONFIG_DIR": self._settings.name}
        with tempfile.TemporaryFile() as messages:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=messages,
                env=environment,
            )
            with process:
                try:
                    yield process
                except BaseException:
                    process.kill()
                    raise
            messages.seek(0)
            self._check(process.returncode, messages.read().decode("utf-8", "replace"))

    def _check(self, status: int, messages: str) -> None:
        """Raise what tshark failed with; a file that ends too early is no failure."""
        if status == 0:
            return
        said = [line for line in messages.splitlines() if line.startswith("tshark: ")]
        problem = said[-1].removeprefix("tshark: ").rstrip(".") if said else ""
        problem = problem.replace(str(self.file.absolute()), self.file.name)
        if any(text in problem for text in READ_AS_FAR_AS_IT_GOES):
            self.problem = problem
        elif status < 0:
            raise CaptureError(f"tshark was killed by signal {-status} while reading {self.file}")
        else:
            raise CaptureError(f"tshark cannot read {self.file}: {problem or f'status {status}'}")
