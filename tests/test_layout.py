"""The folder tree keeps the promises that ARCHITECTURE.md makes."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("capture", "replay", "evidence", "local_staging", "docs")
# Shells whose behaviour is sockets, processes and pytest itself: integration tests cover them.
SHELLS = {
    "capture/proxy/relay.py",
    "replay/engine/carrier.py",
    "replay/engine/live.py",
    "replay/engine/live_connection.py",
    "replay/engine/sockets.py",
    "replay/engine/surroundings.py",
    "replay/fault_proxy/proxy.py",
    "replay/fault_proxy/relay.py",
    "replay/pytest_plugin/body.py",
    "replay/pytest_plugin/session.py",
    "capture/recording_process.py",
    "docs/perturbations/play.py",
    "docs/perturbations/server.py",
    "docs/perturbations/store.py",
    "local_staging/chat_backend/postgres_transcript.py",
    "local_staging/chat_backend/redis_state.py",
    "local_staging/chat_backend/service_storage.py",
    "local_staging/edge/instances.py",
    "local_staging/edge/proxy.py",
}
SOURCES = [
    path.relative_to(ROOT)
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if path.name not in ("__init__.py", "__main__.py")
]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("docs/*.md")),
    ROOT / "capture/format/SPEC.md",
]
TOKEN = re.compile(rb"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.")


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name]


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_source_has_its_unit_test(source: Path) -> None:
    mirrored = ROOT / "tests/unit" / source.with_name(f"test_{source.name}")
    assert mirrored.exists() or source.as_posix() in SHELLS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_no_token_is_committed_with_data_notebooks_or_docs() -> None:
    published = [
        path
        for path in tracked_files()
        if path.relative_to(ROOT).parts[0] in ("data", "notebooks", "docs")
    ]
    assert [path.name for path in published if TOKEN.search(path.read_bytes())] == []
