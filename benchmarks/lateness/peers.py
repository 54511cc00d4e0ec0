"""The contestants that are programs of others: how a user would run each, and how to get them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.lateness.load import DIGITS, Load
from benchmarks.lateness.measure import GIVE_UP_S, Send, Told
from benchmarks.lateness.packet_file import write_packets

HOW_TO_GET = {
    "artillery": "artillery is missing: install Node and npm, or name it with --artillery PATH",
    "tcpreplay": "tcpreplay is missing: install the package tcpreplay of your system",
}
PACKAGE = "artillery@2"
HOOK = Path(__file__).with_name("artillery_hook.cjs")
QUIET = {"ARTILLERY_DISABLE_TELEMETRY": "true", "WORKERS": "1"}
ARRIVAL_S = 1
NOBODYS_PORT = 9


def artillery(asked: str | None, folder: Path) -> str | None:
    """Return the Artillery to run, installed into `folder` if none was named."""
    if asked is not None:
        return _found("artillery", asked)
    npm = shutil.which("npm")
    if npm is None:
        return _found("artillery", None)
    print(f"installing {PACKAGE} into a temporary folder: a minute or two", file=sys.stderr)
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(
        [*command, "--prefix", str(folder), PACKAGE],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
        check=False,
    )
    if done.returncode:
        print("artillery could not be installed: name one with --artillery PATH", file=sys.stderr)
        return None
    return str(folder / "node_modules" / ".bin" / "artillery")


def tcpreplay(asked: str | None) -> str | None:
    """Return the tcpreplay to run."""
    return _found("tcpreplay", asked)


def _found(name: str, asked: str | None) -> str | None:
    executable = shutil.which(asked or name)
    if executable is None:
        print(HOW_TO_GET[name], file=sys.stderr)
    return executable


def artillery_think(executable: str, folder: Path) -> Send:
    """Return what sends with Artillery's own words: in a loop, send and think for the gap."""

    def send(load: Load, port: int) -> Told:
        # A bare fraction would be taken for nothing.
        gap = {"think": f"{load.connections * 1_000 / load.per_s:g}ms"}
        _run_artillery(executable, folder, load, port, gap)
        return {}

    return send


def artillery_hook(executable: str, folder: Path) -> Send:
    """Return what sends with a hook that waits for each absolute time by Node's timer."""

    def send(load: Load, port: int) -> Told:
        began_ns = _run_artillery(executable, folder, load, port, {"function": "untilDue"})
        return {"planned_ns": {n: began_ns + load.offset_ns(n) for n in range(load.sends)}}

    return send


def _run_artillery(
    executable: str, folder: Path, load: Load, port: int, wait: Mapping[str, Any]
) -> int:
    """Run a script with a way to wait for the next send; return when its schedule began."""
    loop = [wait, {"send": "{{ number }}"}, {"function": "step"}]
    script = {
        "config": {
            "target": f"ws://127.0.0.1:{port}",
            "processor": HOOK.name,
            "phases": [{"duration": ARRIVAL_S, "arrivalCount": load.connections}],
        },
        "scenarios": [
            {
                "engine": "ws",
                "flow": [
                    {"function": "join"},
                    {"loop": loop, "count": load.sends // load.connections},
                ],
            }
        ],
    }
    shutil.copy(HOOK, folder)
    path, began = folder / "script.json", folder / "began"
    path.write_text(json.dumps(script))
    told = {**load.to_json(), "lead_ns": load.lead_ns, "digits": DIGITS}
    told["arrive_ns"] = (ARRIVAL_S + 1) * 1_000_000_000
    environment = {"LATENESS_LOAD": json.dumps(told), "LATENESS_BEGAN": str(began)}
    done = subprocess.run(
        [executable, "run", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **QUIET, **environment, "HOME": str(folder)},
        text=True,
        timeout=GIVE_UP_S + load.seconds,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"artillery failed: {done.stdout.strip()[-500:]}")
    return int(began.read_text())


def tcpreplay_packets(executable: str, folder: Path) -> Send:
    """Return what replays the schedule as packets on the loopback device."""

    def send(load: Load, port: int) -> Told:
        path = folder / "schedule.pcap"
        write_packets(path, load, port)
        subprocess.run(
            [executable, "--intf1=lo", "--preload-pcap", str(path)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=GIVE_UP_S + load.seconds,
            check=True,
        )
        return {}

    return send
