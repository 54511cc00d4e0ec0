"""Files of every version stay readable and say what they said; the specification is complete."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from capture.format.model import (
    VERSION,
    App,
    Capture,
    CloseHow,
    Direction,
    End,
    Event,
    Frame,
    Gap,
    Header,
    Note,
    Secret,
    Side,
    TcpClose,
    UpgradeRequest,
    UpgradeResponse,
    Vantage,
)
from capture.format.reader import read_capture
from capture.messages import messages
from capture.recorder import MAX_BODY_BYTES
from capture.redaction import PLACEHOLDER
from capture.redaction.known import SHORTEST_SEARCHED
from capture.websocket_decoder import MAX_FRAME_BYTES

ROOT = Path(__file__).parents[4]
GOLDEN = ROOT / "data/golden"
SPEC = (ROOT / "capture/format/SPEC.md").read_text()
EVENTS = get_args(Event)


@pytest.fixture(scope="module")
def golden() -> Capture:
    return read_capture(GOLDEN / "v1/session.capture.jsonl")


def test_there_is_a_golden_file_of_every_version() -> None:
    folders = {path.name for path in GOLDEN.iterdir()}
    assert folders == {f"v{version}" for version in range(1, VERSION + 1)}


def test_it_is_whole_and_has_every_kind_of_event(golden: Capture) -> None:
    assert golden.problem == ""
    assert {type(event) for event in golden.events} == set(EVENTS)
    assert golden.header.vantage is Vantage.EDGE
    assert golden.header.started_at == "2026-01-02T03:04:05.678901Z"
    assert golden.connection_ids() == ("c1", "c2")


def test_it_says_how_the_first_connection_opened(golden: Capture) -> None:
    request = golden.events[0]
    assert isinstance(request, UpgradeRequest)
    assert request.url.endswith("/ws?room=general&access_token={{deadheat:jwt:s1}}")
    assert (request.at_ns, request.connected_at_ns) == (1_200_345, 1_000_000)
    jwt, cookie = request.secrets
    assert (jwt.kind, jwt.algorithm, jwt.lifetime_s, jwt.claims["role"]) == (
        *("jwt", "HS256", 3600),
        "member",
    )
    assert (cookie.id, cookie.kind, cookie.where) == ("s2", "cookie", "cookie sid")


def test_it_says_what_was_said(golden: Capture) -> None:
    said = [(message.direction.sender, message.payload) for message in messages(golden.events)]
    assert said == [
        (Side.SERVER, b'{"type":"welcome"}'),
        (Side.CLIENT, b'{"type":"hello","token":"{{deadheat:jwt:s1}}"}'),
        (Side.CLIENT, "Zoë: Schnee und Eis".encode()),
        (Side.SERVER, b"in two parts"),
        (Side.SERVER, b"\x00\x01\xfe\xff"),
    ]


def test_it_says_how_each_frame_was_sent(golden: Capture) -> None:
    frames = [event for event in golden.of_connection("c1") if isinstance(event, Frame)]
    told = [(each.opcode, each.fin, each.compressed, each.rsv2) for each in frames]
    assert told == [
        ("text", True, False, False),
        ("text", True, True, False),
        ("text", True, False, False),
        ("text", False, False, False),
        ("ping", True, False, False),
        ("pong", True, False, False),
        ("continuation", True, False, False),
        ("binary", True, False, False),
        ("text", True, False, True),
        ("close", True, False, False),
        ("close", True, False, False),
    ]
    assert (frames[2].first_byte_at_ns, frames[2].at_ns, frames[2].wire_length) == (
        *(3_000_000, 3_100_000),
        26,
    )
    assert frames[8].invalid == "reserved bits must be 0"
    assert (frames[9].close_code, frames[9].close_reason) == (4001, "going away")


def test_it_says_what_else_happened(golden: Capture) -> None:
    by_kind = {type(event): event for event in golden.of_connection("c1")}
    app, gap = by_kind[App], by_kind[Gap]
    assert isinstance(app, App)
    assert isinstance(gap, Gap)
    assert (app.what, app.fields) == ("accept called", {"state": "connecting", "tasks": 0})
    assert (gap.missing_bytes, gap.direction) == (17, Direction.SERVER_TO_CLIENT)
    closes = [event for event in golden.events if isinstance(event, TcpClose)]
    assert [(each.side, each.how) for each in closes] == [
        (Side.SERVER, CloseHow.FIN),
        (Side.CLIENT, CloseHow.RESET),
        (Side.SERVER, CloseHow.TIMEOUT),
    ]
    assert golden.events[-1] == Note(at_ns=7_500_000, text="the end of the example")


def test_it_says_how_the_second_connection_was_refused(golden: Capture) -> None:
    request, response, _ = golden.of_connection("c2")
    assert isinstance(request, UpgradeRequest)
    assert (request.step, request.planned_at_ns) == (0, 5_999_000)
    assert isinstance(response, UpgradeResponse)
    assert (response.status, response.reason, response.body) == (403, "Forbidden", "no token")


def test_the_example_of_the_specification_is_a_capture(tmp_path: Path) -> None:
    path = tmp_path / "example.jsonl"
    path.write_text(SPEC.partition("```json\n")[2].partition("```")[0])
    capture = read_capture(path)
    assert capture.problem == ""
    assert len(capture.events) == 5


@pytest.mark.parametrize("kind", [Header, *EVENTS, End, Secret])
def test_every_field_is_in_the_specification_of_its_kind(kind: type[msgspec.Struct]) -> None:
    tag = kind.__struct_config__.tag
    title = f"\n#+ .*`{tag}`" if tag is not None else "\n## Secrets"
    start = re.search(title, SPEC)
    assert start is not None
    section = re.split(r"\n#{2,3} ", SPEC[start.end() :])[0]
    named = set(re.findall(r"`(\w+)`", section))
    everywhere = {"at_ns", "connection"}
    assert set(kind.__struct_encode_fields__) - everywhere <= named


@pytest.mark.parametrize("values", [Vantage, Direction, Side, CloseHow])
def test_every_value_is_in_the_specification(values: type[Vantage]) -> None:
    assert all(f"`{value}`" in SPEC for value in values)


def test_limits_are_as_specified() -> None:
    assert f"its first {MAX_BODY_BYTES} bytes" in SPEC
    assert f"more than {MAX_FRAME_BYTES >> 20} MiB" in SPEC
    assert f"a secret of {SHORTEST_SEARCHED} or more characters" in SPEC
    assert PLACEHOLDER.search(SPEC)
