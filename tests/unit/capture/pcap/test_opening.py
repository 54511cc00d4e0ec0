from websockets.frames import Frame, Opcode

from capture.format.model import CloseHow
from capture.pcap.follow import Chunk
from capture.pcap.opening import Opened, Opening, RequestFinder, authority
from capture.pcap.tcp_streams import Close, TcpStream

CLIENT, SERVER = ("10.0.0.1", 5000), ("10.0.0.2", 8080)
UPGRADE = b"GET /ws HTTP/1.1\r\nHost: chat.test\r\nUpgrade: WebSocket\r\n\r\n"
PLAIN = b"GET / HTTP/1.1\r\nHost: chat.test\r\n\r\n"
MASKED = Frame(Opcode.TEXT, b"hello").serialize(mask=True)
UNMASKED = Frame(Opcode.TEXT, b"hello").serialize(mask=False)


def opening(*, from_the_middle: bool = False) -> Opening:
    return Opening(TcpStream(0, opened=not from_the_middle), (CLIENT, SERVER))


def from_client(data: bytes, at_ns: int = 0) -> Chunk:
    return Chunk(at_ns, CLIENT, data)


def from_server(data: bytes, at_ns: int = 0) -> Chunk:
    return Chunk(at_ns, SERVER, data)


def test_the_client_is_who_asks_for_the_upgrade() -> None:
    asked = from_server(UPGRADE)
    assert opening().take(asked) == Opened(SERVER, "chat.test", (asked,))


def test_a_request_byte_by_byte_is_whole_with_its_last_byte() -> None:
    finder = RequestFinder()
    found = [finder.feed(from_client(UPGRADE[i : i + 1]), SERVER) for i in range(len(UPGRADE))]
    assert found[:-1] == [None] * (len(UPGRADE) - 1)
    assert found[-1] is not None
    assert len(found[-1].moments) == len(UPGRADE)


def test_requests_before_the_upgrade_are_passed_over() -> None:
    watched = opening()
    for data in (PLAIN, b"POST / HTTP/1.1\r\n\r\n", b"body"):
        assert watched.take(from_client(data)) is None
    assert watched.take(from_client(UPGRADE)) is not None


def test_without_a_host_header_the_address_stands_in() -> None:
    request = b"GET / HTTP/1.0\r\nUpgrade: websocket\r\n\r\n"
    opened = RequestFinder().feed(from_client(request), ("::1", 80))
    assert opened is not None
    assert opened.host == "[::1]:80"


def test_a_request_with_a_hole_is_none() -> None:
    finder = RequestFinder()
    finder.feed(from_client(UPGRADE[:20]), SERVER)
    finder.feed(Chunk(0, CLIENT, b"", missing_bytes=5), SERVER)
    assert finder.feed(from_client(UPGRADE[25:]), SERVER) is None


def test_an_endless_head_is_given_up() -> None:
    finder = RequestFinder()
    finder.feed(from_client(b"GET /" + b"x" * 70_000), SERVER)
    assert finder.feed(from_client(UPGRADE), SERVER) is not None


def test_frames_without_a_handshake_count_only_where_the_beginning_is_not_in_the_file() -> None:
    watched = opening()
    assert [watched.take(from_client(MASKED)) for _ in range(20)] == [None] * 20
    assert not watched.seems_websocket()


def test_three_masked_frames_tell_the_client() -> None:
    watched = opening(from_the_middle=True)
    moments = [from_client(MASKED, at_ns) for at_ns in range(3)]
    taken = [watched.take(moment) for moment in moments]
    assert taken == [None, None, Opened(CLIENT, None, moments)]


def test_eight_unmasked_frames_tell_the_server() -> None:
    watched = opening(from_the_middle=True)
    taken = [watched.take(from_server(UNMASKED)) for _ in range(8)]
    assert [found.client if found else None for found in taken] == [None] * 7 + [CLIENT]


def test_a_hole_begins_the_count_anew() -> None:
    watched = opening(from_the_middle=True)
    hole = Chunk(0, CLIENT, b"", missing_bytes=5)
    sent = [from_client(MASKED), from_client(MASKED), hole, from_client(MASKED)]
    assert [watched.take(moment) for moment in sent] == [None] * 4


def test_a_close_is_kept_for_the_connection() -> None:
    watched = opening(from_the_middle=True)
    close = Close(0, SERVER, CloseHow.FIN)
    assert watched.take(close) is None
    for _ in range(2):
        watched.take(from_client(MASKED))
    opened = watched.take(from_client(MASKED))
    assert opened is not None
    assert close in opened.moments


def test_one_frame_is_not_enough_but_is_remarked() -> None:
    watched = opening(from_the_middle=True)
    assert watched.take(from_client(MASKED)) is None
    assert watched.seems_websocket()


def test_other_protocols_are_not_remarked() -> None:
    watched = opening(from_the_middle=True)
    for data in (b"SELECT 1;\n", b"\x00" * 64, b"+OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"):
        watched.take(from_client(data))
        watched.take(from_server(data))
    assert not watched.seems_websocket()


def test_an_address_stands_in_a_url() -> None:
    assert [authority(CLIENT), authority(("::1", 80))] == ["10.0.0.1:5000", "[::1]:80"]
