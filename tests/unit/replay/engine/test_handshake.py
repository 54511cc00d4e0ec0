"""What of the recorded headers goes out again."""

from replay.engine.handshake import kept_headers, values_of
from replay.target import Target

TARGET = Target("ws://127.0.0.1:8000")
RECORDED_URL = "wss://shop.example/ws"


def test_what_the_handshake_makes_anew_is_left_out() -> None:
    recorded = (
        ("Host", "shop.example"),
        ("Sec-WebSocket-Key", "x"),
        ("X-Mine", "1"),
        ("cookie", "a=b"),
        ("X-Mine", "2"),
    )
    kept = kept_headers(recorded, RECORDED_URL, TARGET)
    assert kept == (("X-Mine", "1"), ("cookie", "a=b"), ("X-Mine", "2"))


def test_the_servers_own_origin_becomes_the_targets_and_another_stays() -> None:
    def origin(recorded: str) -> str:
        return kept_headers((("Origin", recorded),), RECORDED_URL, TARGET)[0][1]

    assert origin("https://shop.example") == "http://127.0.0.1:8000"
    assert origin("https://elsewhere.example") == "https://elsewhere.example"


def test_values_of_a_header_are_taken_apart() -> None:
    headers = (("Sec-WebSocket-Protocol", "chat, tell"), ("sec-websocket-protocol", "more,"))
    assert values_of(headers, "Sec-WebSocket-Protocol") == ["chat", "tell", "more"]
