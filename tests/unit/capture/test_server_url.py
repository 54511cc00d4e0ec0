"""A server has a ws or wss URL, and goes by the names its own clients use."""

import ssl
from pathlib import Path

import pytest

from capture.errors import CaptureError
from capture.server_url import ServerUrl


@pytest.mark.parametrize(
    ("url", "host", "port", "authority"),
    [
        ("ws://example.test", "example.test", 80, "example.test"),
        ("wss://example.test", "example.test", 443, "example.test"),
        ("ws://example.test:8000/ws", "example.test", 8000, "example.test:8000"),
        ("ws://[::1]:8000", "::1", 8000, "[::1]:8000"),
    ],
)
def test_knows_where_to_connect(url: str, host: str, port: int, authority: str) -> None:
    server = ServerUrl(url)
    assert (server.host, server.port, server.authority) == (host, port, authority)


def test_has_an_origin_for_urls_and_one_for_pages() -> None:
    assert ServerUrl("wss://a.test/ws").origin == "wss://a.test"
    assert ServerUrl("wss://a.test/ws").http_origin == "https://a.test"
    assert ServerUrl("ws://a.test:8/ws").http_origin == "http://a.test:8"


def test_a_password_in_the_url_goes_into_no_name() -> None:
    server = ServerUrl("ws://bob:pa55@a.test/ws")
    assert "pa55" not in server.origin + server.authority + server.http_origin


@pytest.mark.parametrize(
    "url",
    [
        "http://a.test",
        "a.test:80",
        "ws://",
        "",
        "ws://a.test:99999",
        "ws://a.test:http",
        "ws://[::1",
        "ws://a.test:0",
    ],
)
def test_another_kind_of_url_is_not_valid(url: str) -> None:
    assert not ServerUrl(url).is_valid


def test_ws_needs_no_tls_and_wss_verifies() -> None:
    assert ServerUrl("ws://a.test").tls() is None
    context = ServerUrl("wss://a.test").tls()
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_an_authority_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(CaptureError, match="as an authority"):
        ServerUrl("wss://a.test", path).tls()
