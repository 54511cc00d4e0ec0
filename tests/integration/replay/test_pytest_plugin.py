"""The mark in real test runs, each a pytest of its own, against real servers."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from capture.format.model import Capture, Frame
from capture.format.reader import read_capture
from replay.perturbations import Gap
from replay.plan import After, Kind
from tests.integration.replay.sessions import saved
from tests.unit.replay.captures import MS, Connection, capture_of

pytest_plugins = ("pytester",)
C1 = Connection("c1")
# The server loses what comes that soon after the message before; nothing comes so soon as `mended`.
BROKEN, MENDED = "/window?low=0&high=60", "/window?low=-3&high=-2"
EDIT = Gap("c1", 2, After(Kind.STEP, "c1", 1), 10 * MS).to_json()
PLUGINS = ("-p", "no:cacheprovider")

Run = Callable[..., pytest.RunResult]


def talk(answer: str = "ack") -> Capture:
    return capture_of(
        C1.request(0, "ws://recorded.example/"),
        C1.response(2),
        C1.sent(10, "1"),
        C1.said(11, {"type": answer, "of": "1"}),
        C1.sent(150, "2"),
        C1.said(151, {"type": answer, "of": "2"}),
        C1.left(170),
    )


@pytest.fixture
def tree(pytester: pytest.Pytester) -> Path:
    """A folder of tests with a capture and a finding."""
    captures = pytester.mkdir("captures")
    saved(talk(), captures / "talk.capture.jsonl")
    finding = {"edits": [EDIT], "window": {"low_ms": 0.0, "high_ms": 60.0}}
    (captures / "talk.finding.json").write_text(json.dumps(finding))
    return pytester.path


@pytest.fixture
def run(pytester: pytest.Pytester, tree: Path, port: int) -> Run:
    """Return a function that runs a test module against the server, broken unless told."""

    def run_module(
        source: str, *arguments: str, path: str | None = BROKEN, prefix: str = ""
    ) -> pytest.RunResult:
        pytester.makepyfile(test_it=f"import pytest\n{prefix}\n{source}")
        target = () if path is None else ("--deadheat-target", f"ws://127.0.0.1:{port}{path}")
        return pytester.runpytest_subprocess(*PLUGINS, *target, *arguments)

    return run_module


RACE = """
@pytest.mark.deadheat(
    "captures/talk.capture.jsonl", finding="captures/talk.finding.json", runs=3
)
def test_race():
    pass
"""


def printed(result: pytest.RunResult) -> str:
    return "\n".join(result.outlines)


def properties_of(report: Path) -> dict[str, str]:
    """The properties of the one test in a JUnit report."""
    (case,) = ElementTree.parse(report).getroot().iter("testcase")
    found = {each.attrib["name"]: each.attrib["value"] for each in case.iter("property")}
    return {name.removeprefix("deadheat."): value for name, value in found.items()}


def test_a_race_fails_and_says_what_a_person_needs(run: Run, tree: Path) -> None:
    result = run(RACE, "--junitxml=report.xml")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            'deadheat: missing: c1: the type="ack" message did not come',
            "  fails     in 3 of 3 runs (95 % interval 29 to 100 %)",
            "  timing    c1 step 2 (message) comes 10.0 ms after c1 step 1 (recorded: 140.0 ms)",
            "  otherwise 5 unperturbed runs went as they should",
            "  after c1 step 2 (2):",
            '    expected  {"type": "ack", "of": "2"}',
            '    nearest   {"type": "ack", "of": "1"}',
            "              which was expected too, after step 1",
            "      $.of",
            '      - "2"',
            '      + "1"',
            "  this test pytest test_it.py::test_race",
        ]
    )
    properties = properties_of(tree / "report.xml")
    assert json.loads(properties.pop("edits")) == [EDIT]
    assert len(properties.pop("capture_sha256")) == 64
    assert properties == {
        "verdict": "fail",
        "capture": "captures/talk.capture.jsonl",
        "runs": "3",
        "failures": "3",
        "unknown": "0",
        "rate_low": "0.2924",
        "rate_high": "1.0",
        "window_low_ms": "0.0",
        "window_high_ms": "60.0",
    }


def test_the_commands_that_it_prints_do_what_they_say(run: Run, tree: Path) -> None:
    lines = printed(run(RACE)).splitlines()
    for label in ("see it", "once more"):
        # Where CI is set, pytest's summary says it all once more.
        line = next(line for line in lines if line.strip().startswith(label))
        _, *arguments = shlex.split(line.strip().removeprefix(label))
        done = subprocess.run(
            [sys.executable, "-m", "deadheat", *arguments],
            cwd=tree,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "c1" in done.stdout or "run: run.capture.jsonl" in done.stdout
    events = read_capture(tree / "run.capture.jsonl").events
    said = [event for event in events if isinstance(event, Frame) and event.opcode == "text"]
    assert len(said) == 3  # both questions, one answer: the race


def test_the_mended_server_passes_with_the_same_timing(run: Run) -> None:
    run(RACE, path=MENDED).assert_outcomes(passed=1)


def test_a_server_that_does_not_do_as_recorded_fails_without_being_perturbed(
    run: Run, tree: Path
) -> None:
    saved(talk("done"), tree / "captures/other.capture.jsonl")
    source = """
@pytest.mark.deadheat("captures/other.capture.jsonl", patience=0.3)
def test_other(): pass
"""
    result = run(source, path=MENDED)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "deadheat: the server does not do as recorded, even unperturbed",
            "  after c1 step 1 (1):",
            '    expected  {"type": "done", "of": "1"}',
            '    came      {"type": "ack", "of": "1"}',
            "      $.type",
            '      - "done"',
            '      + "ack"',
        ]
    )


def test_the_recording_alone_is_judged_by_in_one_run(run: Run, tree: Path) -> None:
    source = """
@pytest.mark.deadheat("captures/talk.capture.jsonl", learn=False)
def test_alone(deadheat_replay):
    assert len(deadheat_replay.runs) == 1
    assert deadheat_replay.rate.failures == 0
"""
    run(source, "--deadheat-runs-dir", "kept", path=MENDED).assert_outcomes(passed=1)
    assert len(list((tree / "kept").rglob("*.capture.jsonl"))) == 1


def test_the_body_sees_the_runs_and_may_fail_by_itself(run: Run) -> None:
    source = """
@pytest.mark.deadheat("captures/talk.capture.jsonl", expect=None, runs=2)
def test_body(deadheat_replay):
    assert [run.header.vantage for run in deadheat_replay.runs] == ["client"] * 2
    assert deadheat_replay.recorded.header.vantage == "edge"
    assert not deadheat_replay.edits
    assert False, "the body was reached"
"""
    result = run(source)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the body was reached*"])


@pytest.mark.parametrize(
    ("expect", "path", "outcome", "line"),
    [
        ("answered", BROKEN, "failed", "deadheat: answered: 1 answers"),
        ("answered", MENDED, "passed", None),
        ('["recorded", answered]', BROKEN, "failed", "deadheat: missing: c1: *"),
        ("crashes", MENDED, "failed", "*unknown: only 0 of 2 runs can be judged"),
        ('"fails: missing"', BROKEN, "passed", None),
        ('"fails: refused"', BROKEN, "failed", "*no run shows 'refused'"),
        ('"fails"', MENDED, "failed", "*of 2 runs no run fails"),
    ],
)
def test_what_is_expected_of_the_runs(
    run: Run, expect: str, path: str, outcome: str, line: str | None
) -> None:
    prefix = """
def answered(run):
    count = sum(getattr(event, "opcode", None) == "text" for event in run.events) - 2
    assert count == 2, f"{count} answers"

def crashes(run):
    return 1 / 0
"""
    source = f"""
@pytest.mark.deadheat(
    "captures/talk.capture.jsonl", perturb={EDIT!r}, expect={expect}, runs=2,
    patience=0.3,
)
def test_expectation(): pass
"""
    result = run(source, prefix=prefix, path=path)
    result.assert_outcomes(**{outcome: 1})
    if line is not None:
        result.stdout.fnmatch_lines([line])


@pytest.mark.parametrize(
    ("arguments", "options", "complaint"),
    [
        ("'nowhere.capture.jsonl'", (), "there is no capture nowhere.capture.jsonl: looked in *"),
        ("'captures/talk.finding.json'", (), "*talk.finding.json is not a capture: *"),
        ("'captures/talk.capture.jsonl', runs=0", (), "runs is 0, expected 1 or more"),
        ("'captures/talk.capture.jsonl', rnus=1", (), "*unexpected keyword argument 'rnus'*"),
        (
            "'captures/talk.capture.jsonl', perturb={'perturbation': 'gap', 'connection': 'c9', "
            "'step': 0, 'after': 'start', 'gap_ms': 1}",
            (),
            "the plan has no connection 'c9', only c1",
        ),
        ("'captures/talk.capture.jsonl', target='http://x'", (), "target is 'http://x', expected*"),
        (
            "'captures/talk.capture.jsonl', target='ws://staging.example'",
            (),
            "staging.example is not this machine*--deadheat-allow-host",
        ),
        ("'captures/talk.capture.jsonl', target='ws://127.0.0.1:9'", (), "cannot connect to *"),
        ("'captures/talk.capture.jsonl', jwt_key='NO_KEY'", (), "what --jwt-key names is neither*"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    run: Run, arguments: str, options: tuple[str, ...], complaint: str
) -> None:
    result = run(f"@pytest.mark.deadheat({arguments})\ndef test_it(): pass", *options)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"deadheat: {complaint}"])
    assert "Traceback" not in printed(result)
    assert "File " not in printed(result)


def test_without_a_target_it_says_how_to_name_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEADHEAT_TARGET", raising=False)
    result = run(RACE, path=None)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["deadheat: there is no target: define a fixture deadheat_target*"])


def test_the_target_may_come_from_the_environment(
    run: Run, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEADHEAT_TARGET", f"ws://127.0.0.1:{port}{MENDED}")
    run(RACE, path=None).assert_outcomes(passed=1)


def test_hosts_may_be_allowed_by_option_and_by_the_configuration_file(run: Run, tree: Path) -> None:
    source = (
        '@pytest.mark.deadheat("captures/talk.capture.jsonl", target="ws://nowhere.invalid")\n'
        "def test_it(): pass"
    )
    by_option = run(source, "--deadheat-allow-host", "nowhere.invalid")
    by_option.stdout.fnmatch_lines(["deadheat: cannot connect to nowhere.invalid:80*"])
    (tree / "deadheat.toml").write_text('[replay]\nallowed_hosts = ["nowhere.invalid"]\n')
    run(source).stdout.fnmatch_lines(["deadheat: cannot connect to nowhere.invalid:80*"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_captures_that_no_test_uses_are_reported_when_asked_for(
    run: Run, tree: Path, workers: tuple[str, ...]
) -> None:
    saved(talk(), tree / "captures/old.capture.jsonl")
    # Deselected tests use theirs all the same.
    result = run(RACE, "--deadheat-report-unused", "-k", "nothing", *workers)
    result.stdout.fnmatch_lines(
        ["*deadheat: unused captures*", "captures/old.capture.jsonl", "1 of 3 captures and *"]
    )
    assert "unused" not in printed(run(RACE, "-k", "nothing", *workers))


def test_a_folder_of_captures_may_be_named_in_the_settings(
    run: Run, tree: Path, pytester: pytest.Pytester
) -> None:
    saved(talk(), pytester.mkdir("more") / "old.capture.jsonl")
    pytester.makeini("[pytest]\ndeadheat_captures = more\n")
    result = run(RACE, "--deadheat-report-unused", "--collect-only")
    result.stdout.fnmatch_lines(["more/old.capture.jsonl", "1 of 1 captures and *"])


def test_it_works_beside_pytest_xdist(run: Run, tree: Path) -> None:
    again = RACE.replace("test_race", "test_again")
    result = run(RACE + again, "-n", "2", "--junitxml=report.xml")
    result.assert_outcomes(failed=2)
    cases = list(ElementTree.parse(tree / "report.xml").getroot().iter("testcase"))
    for case in cases:
        found = {each.attrib["name"]: each.attrib["value"] for each in case.iter("property")}
        assert found["deadheat.failures"] == "3"


def test_no_number_of_runs_but_a_number(run: Run) -> None:
    result = run(RACE, "--deadheat-runs", "0")
    result.stderr.fnmatch_lines(["*--deadheat-runs is 0, expected 1 or more"])
    run(RACE, "--deadheat-runs", "1").stdout.fnmatch_lines(["*in 1 of 1 runs*"])


def test_without_a_mark_nothing_is_loaded_and_without_the_plugin_nothing_is_missed(
    run: Run,
) -> None:
    source = """
import sys

def test_plain():
    loaded = {"replay.engine.live", "replay.auth", "scipy", "httpx", "pandas"} & set(sys.modules)
    assert not loaded, loaded
"""
    run(source).assert_outcomes(passed=1)
    run(source, "-p", "no:deadheat", path=None).assert_outcomes(passed=1)


SERVER = """
import asyncio, json, threading, time
import pytest_asyncio
from websockets.asyncio.server import serve

async def answers(connection):
    before = 0
    async for message in connection:
        now, lost = time.monotonic(), before
        before = now
        if now - lost >= LOSES_S:
            await connection.send(json.dumps({"type": "ack", "of": message}))
"""

IN_THE_LOOP = """
@pytest_asyncio.fixture
async def deadheat_target():
    async with serve(answers, "127.0.0.1", 0) as server:
        yield "ws://127.0.0.1:%d" % server.sockets[0].getsockname()[1]

@pytest.mark.asyncio
@pytest.mark.deadheat("captures/talk.capture.jsonl", finding="captures/talk.finding.json", runs=2)
async def test_async(deadheat_replay):
    await asyncio.sleep(0)
    assert len(deadheat_replay.runs) == 2
"""

IN_A_THREAD = """
@pytest.fixture(scope="module")
def deadheat_target():
    loop, ports = asyncio.new_event_loop(), []
    async def start():
        server = await serve(answers, "127.0.0.1", 0)
        return server, server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server, port = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    yield "ws://127.0.0.1:%d" % port
    async def stop():
        server.close()
        await server.wait_closed()
    asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()

class TestInAClass:
    @pytest.mark.deadheat(
        "captures/talk.capture.jsonl", finding="captures/talk.finding.json", runs=2
    )
    def test_sync(self):
        pass
"""


@pytest.mark.parametrize("place", [IN_THE_LOOP, IN_A_THREAD], ids=["same loop", "thread"])
@pytest.mark.parametrize(("loses_s", "outcome"), [(0.06, "failed"), (0, "passed")])
def test_the_server_may_live_in_the_process_of_the_test(
    run: Run, place: str, loses_s: float, outcome: str
) -> None:
    prefix = SERVER + f"LOSES_S = {loses_s}\n"
    run(place, "--asyncio-mode", "strict", prefix=prefix, path=None).assert_outcomes(**{outcome: 1})


def test_what_was_normal_is_forgotten_with_the_server(run: Run) -> None:
    prefix = """
import socket, json, threading
from websockets.sync.server import serve

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    PORT = probe.getsockname()[1]

@pytest.fixture(params=["ack", "other", "ack"])
def deadheat_target(request):
    # Another build each time, at the same address.
    def answers(connection):
        for message in connection:
            connection.send(json.dumps({"type": request.param, "of": message}))
    with serve(answers, "127.0.0.1", PORT) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{PORT}"
        server.shutdown()
        thread.join()
"""
    source = """
@pytest.mark.deadheat("captures/talk.capture.jsonl", patience=0.3)
def test_build(): pass
"""
    result = run(source, prefix=prefix, path=None)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["deadheat: the server does not do as recorded, *"])


CLIENT = """
import asyncio
from websockets.sync.client import connect

def client(url):
    with connect(url) as socket:
        for text in ("hello", "again"):
            socket.send(text)
            socket.recv(timeout=10)

async def async_client(url):
    from websockets.asyncio.client import connect
    async with connect(url) as socket:
        await socket.send("hello")
        await asyncio.wait_for(socket.recv(), 10)

def broken_client(url):
    with connect(url) as socket:
        socket.send("hello")
        raise KeyError("the client gave up")

def silent_client(url):
    pass
"""


def recording(client: str, capture: str = "captures/new.capture.jsonl") -> str:
    return f"""
@pytest.mark.deadheat("{capture}", record={client}, learn=False)
def test_recorded(deadheat_replay):
    assert len(deadheat_replay.runs) == 1
"""


@pytest.mark.parametrize("client", ["client", "async_client"])
def test_once_makes_a_missing_capture_and_then_replays_it(
    run: Run, tree: Path, client: str
) -> None:
    made = tree / "captures/new.capture.jsonl"
    never = run(recording(client), prefix=CLIENT, path=MENDED)
    never.assert_outcomes(errors=1)
    assert not made.exists()
    run(recording(client), "--deadheat-mode", "once", prefix=CLIENT, path=MENDED).assert_outcomes(
        passed=1
    )
    first = made.read_bytes()
    assert read_capture(made).header.vantage == "edge"
    for mode in ("once", "none"):
        arguments = ("--deadheat-mode", mode)
        run(recording(client), *arguments, prefix=CLIENT, path=MENDED).assert_outcomes(passed=1)
    assert made.read_bytes() == first
    assert sorted(path.name for path in made.parent.iterdir()) == [
        "new.capture.jsonl",
        "talk.capture.jsonl",
        "talk.finding.json",
    ]


def test_rewrite_makes_a_capture_anew_once_for_all_its_tests(
    run: Run, tree: Path, pytester: pytest.Pytester
) -> None:
    pytester.makeini("[pytest]\ndeadheat_mode = rewrite\n")
    talk_capture = tree / "captures/talk.capture.jsonl"
    source = recording("counted", "captures/talk.capture.jsonl")
    both = source + source.replace("test_recorded", "test_again")
    counted = CLIENT + "def counted(url):\n    print('recording'); client(url)\n"
    result = run(both, "-s", prefix=counted, path=MENDED)
    result.assert_outcomes(passed=2)
    assert printed(result).count("recording") == 1
    assert read_capture(talk_capture).header.recorder == "deadheat proxy"
    assert '"hello"' in talk_capture.read_text()


@pytest.mark.parametrize(
    ("client", "complaint"),
    [
        ("broken_client", "*KeyError: 'the client gave up'"),
        ("silent_client", "deadheat: the recording for *talk.capture.jsonl cannot be replayed: *"),
    ],
)
def test_a_recording_that_fails_leaves_the_capture_as_it_was(
    run: Run, tree: Path, client: str, complaint: str
) -> None:
    before = (tree / "captures/talk.capture.jsonl").read_bytes()
    source = recording(client, "captures/talk.capture.jsonl")
    result = run(source, "--deadheat-mode", "rewrite", prefix=CLIENT, path=MENDED)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([complaint])
    assert (tree / "captures/talk.capture.jsonl").read_bytes() == before
    assert len(list((tree / "captures").iterdir())) == 2


def test_a_missing_capture_that_nothing_can_make(run: Run) -> None:
    source = '@pytest.mark.deadheat("new.capture.jsonl")\ndef test_it(): pass'
    result = run(source, "--deadheat-mode", "once")
    result.stdout.fnmatch_lines(["deadheat: there is no capture new.capture.jsonl and nothing to*"])


def test_a_mode_that_there_is_not(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ndeadheat_mode = all\n")
    result = run(RACE)
    result.stderr.fnmatch_lines(["*deadheat_mode is 'all', expected one of: none, once, rewrite"])


def test_an_expected_failure_of_pytest_and_a_skip_are_left_alone(run: Run) -> None:
    run("@pytest.mark.xfail(strict=True)" + RACE).assert_outcomes(xfailed=1)
    run("@pytest.mark.skip" + RACE).assert_outcomes(skipped=1)


def test_a_method_of_unittest(run: Run) -> None:
    source = """
import unittest

class TestOld(unittest.TestCase):
    @pytest.mark.deadheat(
        "captures/talk.capture.jsonl", finding="captures/talk.finding.json", runs=2
    )
    def test_old(self):
        self.reached = True
"""
    run(source).assert_outcomes(failed=1)
    run(source, path=MENDED).assert_outcomes(passed=1)
