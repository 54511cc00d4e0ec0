import pytest

from local_staging.edge.http_head import BadHead, Head

REQUEST = b"GET /ws?x=1 HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nCookie: a=1; GAESA=7\r\n\r\n"


def test_a_request() -> None:
    head = Head.parsed(REQUEST)
    assert (head.method, head.target, head.is_upgrade) == ("GET", "/ws?x=1", True)
    assert (head.cookie("GAESA"), head.cookie("b"), head.value("host")) == ("7", None, "h")


def test_it_is_sent_as_it_came() -> None:
    assert Head.parsed(REQUEST).to_bytes() == REQUEST


def test_fields_are_added_and_left_out() -> None:
    head = Head.parsed(b"HTTP/1.1 101 Switching Protocols\r\nA: 1\r\na: 2\r\nB: 3\r\n\r\n")
    assert head.status == 101
    changed = head.without("a").with_fields(("C", "4"))
    assert changed.fields == (("B", "3"), ("C", "4"))


@pytest.mark.parametrize("head", [b"PRI * HTTP/2.0\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"])
def test_what_is_no_head(head: bytes) -> None:
    with pytest.raises(BadHead):
        Head.parsed(head)


def test_first_lines_that_are_short() -> None:
    with pytest.raises(BadHead, match="a target"):
        _ = Head("GET HTTP/1.1", ()).target
    with pytest.raises(BadHead, match="a status"):
        _ = Head("HTTP/1.1", ()).status
