"""A service that does not come up; integration tests cover those that do."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from local_staging.errors import StagingError
from local_staging.processes import ServiceSpec, start


def test_process_that_ends_shows_the_end_of_its_log(tmp_path: Path) -> None:
    spec = ServiceSpec("mail service", "local_staging.missing", 0, tmp_path / "mail.log")
    with pytest.raises(StagingError) as caught:
        start(spec, timeout_s=20)
    text = str(caught.value)
    assert text.startswith("mail service did not come up, it ended")
    assert "No module named local_staging.missing" in text
    assert "\n" not in text


def test_process_that_says_nothing_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "silent.py").write_text("import threading; threading.Event().wait()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    spec = ServiceSpec("mail service", "silent", 0, tmp_path / "mail.log")
    with pytest.raises(StagingError, match=r"said nothing in 0\.2 s"):
        start(spec, timeout_s=0.2)


@pytest.mark.parametrize(
    ("statuses", "said"), [((504, 504, 200), "up"), ((500, 200), "HTTP 500"), ((504,), "HTTP 504")]
)
def test_only_what_is_behind_an_edge_may_take_longer(
    statuses: tuple[int, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "answering.py").write_text(
        textwrap.dedent(f"""
            import http.server, json
            statuses = iter({statuses})

            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_response(next(statuses, {statuses[-1]}))
                    self.end_headers()

            server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
            print(json.dumps({{"port": server.server_port}}), flush=True)
            server.serve_forever()
        """)
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    spec = ServiceSpec("mail service", "answering", 0, tmp_path / "mail.log")
    if said == "up":
        start(spec, timeout_s=20).stop()
        return
    with pytest.raises(StagingError, match=f"answered /health with {said}, expected 200"):
        start(spec, timeout_s=1)


def test_log_that_cannot_be_written(tmp_path: Path) -> None:
    spec = ServiceSpec("mail service", "silent", 0, tmp_path / "missing" / "mail.log")
    with pytest.raises(StagingError, match="cannot start the mail service"):
        start(spec, timeout_s=1)
