"""Installs the pinned packages of a build, once, into a folder of its own."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.real_bugs.case import Build, Runtime

CACHE = Path(__file__).parent / "cache"
TIMEOUT_S = 300


def installed(build: Build, runtime: Runtime, cache: Path = CACHE) -> Path:
    """Return the folder with the packages of a build; builds with the same ones share it."""
    folder = cache / folder_name(build.packages)
    if runtime is Runtime.NODE and shutil.which("npm") is None:
        raise RuntimeError("npm is missing: install Node 18 or newer")
    if (folder / ".ready").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / ".gitignore").write_text("*\n")
    print(f"installing {' '.join(build.packages)}", file=sys.stderr)
    if runtime is Runtime.NODE:
        _run("npm", "install", "--silent", "--no-audit", "--prefix", str(folder), *build.packages)
    else:
        _run(sys.executable, "-m", "venv", str(folder))
        _run(str(executable(folder, runtime)), "-m", "pip", "install", "-q", *build.packages)
    (folder / ".ready").touch()
    return folder


def executable(folder: Path, runtime: Runtime) -> Path:
    """Return what runs a server with the packages of a folder."""
    return Path("node") if runtime is Runtime.NODE else folder / "bin" / "python"


def folder_name(packages: tuple[str, ...]) -> str:
    """Return a name that tells the first package, and differs where any of them does."""
    first = packages[0].replace("==", "-").replace("@", "-")
    digest = hashlib.sha256(" ".join(packages).encode()).hexdigest()
    return f"{first}-{digest[:8]}"


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip()[-800:]}")
