import pytest

from replay.pytest_plugin.recording import through
from replay.target import Target

PROXY = "ws://127.0.0.1:4000"


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("ws://127.0.0.1:8000", "ws://127.0.0.1:4000"),
        ("ws://127.0.0.1:8000/ws?a=b", "ws://127.0.0.1:4000/ws?a=b"),
        ("wss://staging.example/chat", "ws://127.0.0.1:4000/chat"),
    ],
)
def test_the_path_and_query_of_the_target_stay(target: str, url: str) -> None:
    assert through(Target(target), PROXY) == url
