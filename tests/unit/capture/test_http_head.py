"""Heads are read tolerantly, and edited without touching the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.http_head import Head, accepts_deflate, parse_head

ODD = (
    b"GET /ws?a=1 HTTP/1.1\r\nhost:example.test\r\nX-A:  spaced \t\r\nno colon\r\n"
    b"Folded: one\r\n two\r\nX-A: again\r\n\r\n"
)


def test_reads_the_request_line_and_headers_in_order() -> None:
    head = parse_head(ODD)
    assert head.target == "/ws?a=1"
    assert head.headers == (
        ("host", "example.test"),
        ("X-A", "spaced"),
        ("no colon", ""),
        ("Folded", "one two"),
        ("X-A", "again"),
    )


def test_reads_the_status_line() -> None:
    head = parse_head(b"HTTP/1.1 403 Not this time\r\n\r\n")
    assert (head.status, head.reason) == (403, "Not this time")


@pytest.mark.parametrize(
    "line", ["", "HTTP/1.1", "HTTP/1.1 abc", "HTTP/1.1 \xb200", "x " + "y" * 9]
)
def test_a_line_without_a_status_has_status_0(line: str) -> None:
    assert parse_head(line.encode("latin-1")).status == 0


def test_a_status_of_absurd_length_is_no_error() -> None:
    assert parse_head(b"HTTP/1.1 " + b"9" * 5000).status == 999_999_999


def test_a_start_line_may_lack_its_target_and_reason() -> None:
    head = parse_head(b"GET\r\n\r\n")
    assert (head.target, head.reason) == ("", "")


def test_joins_several_headers_of_one_name() -> None:
    assert parse_head(ODD).get("x-a") == "spaced, again"
    assert parse_head(ODD).get("absent") is None


@pytest.mark.parametrize(
    ("upgrade", "asks"), [("websocket", True), ("h2c, WebSocket", True), ("h2c", False)]
)
def test_knows_an_opening_handshake(upgrade: str, asks: bool) -> None:
    assert Head("GET / HTTP/1.1", (f"Upgrade: {upgrade}",)).asks_for_websocket is asks


@given(st.binary(max_size=200).filter(lambda data: b"\r\n\r\n" not in data))
def test_encoding_gives_back_the_bytes(data: bytes) -> None:
    head = data.removesuffix(b"\r") + b"\r\n\r\n"
    assert parse_head(head).encode() == head


def test_replacing_leaves_every_other_byte() -> None:
    edited = parse_head(ODD).replacing("Host", "upstream.test").encode()
    assert edited == ODD.replace(b"host:example.test", b"Host: upstream.test")


def test_replacing_replaces_every_header_of_the_name() -> None:
    assert parse_head(ODD).replacing("X-A", "new").get("X-A") == "new, new"


def test_replacing_adds_only_when_asked() -> None:
    assert parse_head(ODD).replacing("Absent", "x").get("Absent") is None
    assert parse_head(ODD).replacing("Absent", "x", add=True).get("Absent") == "x"


@pytest.mark.parametrize(
    ("line", "expected"),
    [("GET / HTTP/1.1", "GET /new HTTP/1.1"), ("GET /", "GET /new "), ("GET", "GET /new ")],
)
def test_with_target_changes_the_target_only(line: str, expected: str) -> None:
    assert Head(line, ()).with_target("/new").start_line == expected


@pytest.mark.parametrize(
    ("extensions", "accepts"),
    [
        ("permessage-deflate", True),
        ("permessage-deflate; server_no_context_takeover", True),
        ("x-other, permessage-deflate; client_max_window_bits=12", True),
        ("permessage-deflate-not", False),
    ],
)
def test_knows_whether_deflate_was_settled_on(extensions: str, accepts: bool) -> None:
    assert accepts_deflate(Head("", (f"Sec-WebSocket-Extensions: {extensions}",))) is accepts
    assert not accepts_deflate(Head("", ()))
