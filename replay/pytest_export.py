"""A finding to a test that fails as long as the race is there: source text, capture and edits.

captures/X.capture.jsonl  a copy of what was replayed, redacted as it was recorded
captures/X.finding.json   the change of timing, how it shows, how often
test_X.py                 the test, for the plugin in `pytest_plugin`
"""

from __future__ import annotations

import contextlib
import json
import keyword
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capture.errors import UnwritableOutput
from capture.format.model import Capture
from capture.format.reader import read_capture
from replay.errors import ReplayError
from replay.hunt_directory import FINDING, HUNT, RECORDED, read_hunt
from replay.oracles.log import pattern_of
from replay.oracles.verdict import SymptomKind
from replay.perturbations import Gap, from_json, perturbed
from replay.perturbations.words import in_words
from replay.plan_file import read_edits
from replay.planning import plan_from_capture
from replay.statistics import repeats_to_see

FOLDER = "captures"
UNPERTURBED = "unperturbed"
MISS = 0.01
MOST_RUNS = 50
_CAPTURE_ENDING, _FINDING_ENDING = ".capture.jsonl", ".finding.json"
_WIDTH = 96


@dataclass(frozen=True, slots=True)
class Source:
    """What a test is made from. Without a finding it replays the capture as recorded.

    `control` is how often unperturbed runs failed, where a hunt says so; `application` is the
    module:attribute that was hunted in, if it was one.
    """

    capture: Path
    recorded: Capture
    finding: Mapping[str, Any] | None = None
    control: Mapping[str, Any] | None = None
    application: str = ""

    def __post_init__(self) -> None:
        if self.recorded.header.secrets_kept:
            raise ReplayError(
                f"{self.capture} holds secrets (--keep-secrets), and a test is there to be "
                "committed: record it without that"
            )


def source_from(path: Path, capture: Path | None = None) -> Source:
    """Return what there is at a path: the directory of a hunt, a finding, or a capture.

    For a finding that lies alone `capture` says what to replay. Raises ReplayError, CaptureError.
    """
    if path.is_dir():
        hunted = read_hunt(path)
        if hunted["finding"] is None:
            raise ReplayError(f"{path}: the hunt ended {hunted['verdict']}, there is no finding")
        return _with_finding(path / HUNT, capture or path / RECORDED, hunted["control"])
    if path.suffix != ".json":
        if capture is not None:
            raise ReplayError(f"{path} is no finding (.json), so --capture says nothing of it")
        return Source(path, read_capture(path))
    beside = [path.with_name(RECORDED)] if path.name == FINDING else []
    if path.name.endswith(_FINDING_ENDING):
        stem = path.name.removesuffix(_FINDING_ENDING)
        beside.append(path.with_name(stem + _CAPTURE_ENDING))
    found = capture or next((each for each in beside if each.exists()), None)
    if found is None:
        raise ReplayError(f"{path} does not say what to replay: pass --capture CAPTURE")
    return _with_finding(path, found, None)


def _with_finding(path: Path, capture: Path, control: Mapping[str, Any] | None) -> Source:
    recorded = read_capture(capture)
    # What does not fit together is found here, and not by the test.
    perturbed(plan_from_capture(recorded), read_edits(path))
    content = json.loads(path.read_text())
    application = content["target"] if content.get("fidelity") else ""
    return Source(capture, recorded, content.get("finding") or content, control, application)


def write_test(source: Source, out: Path, *, overwrite: bool = False) -> list[Path]:
    """Write a test with what it needs; return the files. All or none: raises UnwritableOutput."""
    name = _identifier(out.stem.removeprefix("test_"))
    if not out.name.startswith("test_") or out.suffix != ".py":
        raise UnwritableOutput(f"--out is {out}, expected a file that pytest collects: test_X.py")
    content = {
        out.with_name(FOLDER) / f"{name}{_CAPTURE_ENDING}": source.capture.read_bytes(),
        out: module_text(source, name).encode(),
    }
    if source.finding is not None:
        finding = json.dumps(source.finding, indent=2) + "\n"
        content[out.with_name(FOLDER) / f"{name}{_FINDING_ENDING}"] = finding.encode()
    present = [path for path in content if path.exists() and not _is_same(path, source.capture)]
    if present and not overwrite:
        raise UnwritableOutput(f"{present[0]} exists: name another file, or pass --overwrite")
    _write(content)
    return sorted(content)


def module_text(source: Source, name: str) -> str:
    """Return the text of a test module."""
    arguments = [json.dumps(f"{FOLDER}/{name}{_CAPTURE_ENDING}", ensure_ascii=False)]
    if source.finding is not None:
        arguments.append(f'finding="{FOLDER}/{name}{_FINDING_ENDING}"')
        arguments.append(f"expect={_expected(source.finding)}")
    said = list(_docstring(source))
    lines = ['"""' + said[0], *said[1:], '"""'] if said[1:] else [f'"""{said[0]}"""']
    lines += ["", "import pytest", "", ""]
    lines += [f"# {line}" for line in _where(source)]
    lines += ["@pytest.mark.deadheat("]
    lines += [f"    {argument}," for argument in arguments]
    lines += [f"    {line}" for line in _runs(source)]
    lines += [")", f"def test_{name}() -> None:", f'    """{_promise(source)}"""']
    return "\n".join(lines) + "\n"


def _expected(finding: Mapping[str, Any]) -> str:
    """Return what the test expects of the runs: what saw the failure has to look again."""
    symptom = finding.get("symptom") or {}
    if symptom.get("check"):
        return json.dumps([UNPERTURBED, symptom["check"]])
    if _is_in_log(finding):
        return json.dumps([UNPERTURBED, f"log_pattern:never={pattern_of(symptom['detail'])}"])
    return json.dumps(UNPERTURBED)


def _is_in_log(finding: Mapping[str, Any] | None) -> bool:
    """Whether only the server's log tells of it."""
    return ((finding or {}).get("symptom") or {}).get("kind") == SymptomKind.LOG


def _docstring(source: Source) -> Iterator[str]:
    finding = source.finding
    if finding is None:
        yield "A recorded session goes as recorded."
        return
    symptom, window, measured = (finding.get(key) for key in ("symptom", "window", "rate"))
    if not symptom or not window or not measured:
        yield "A change of timing makes no difference to what the server says."
        return
    yield from _wrapped(f"A race: {symptom['detail']}")
    yield ""
    yield from _wrapped(f"It shows when {_when(finding, window)}.")
    unperturbed = ""
    if source.control is not None:
        unperturbed = f"; unperturbed {source.control['failures']} of {source.control['runs']} did"
    yield from _wrapped(
        f"Then {measured['failures']} of {measured['runs']} runs failed (95 % interval "
        f"{100 * measured['low']:.0f} to {100 * measured['high']:.0f} %){unperturbed}."
    )
    yield from _wrapped("The test fails as long as that is so, and passes once it is mended.")


def _when(finding: Mapping[str, Any], window: Mapping[str, Any]) -> str:
    edits = [from_json(edit) for edit in finding["edits"]]
    if len(edits) > 1 or not isinstance(edits[0], Gap):
        return f"this is done: {'; '.join(map(in_words, edits))}"
    step = f"{window['connection']} step {window['step']}"
    recorded_ms = window.get("recorded_ms")
    recorded = "" if recorded_ms is None else f" (recorded: {recorded_ms:.1f} ms)"
    low, high = (
        "?" if window.get(edge) is None else f"{window[edge]:.1f}" for edge in ("low_ms", "high_ms")
    )
    return f"{step} comes {low} to {high} ms after {window['after']}{recorded}"


def _where(source: Source) -> Iterator[str]:
    yield "Where the server is: a fixture deadheat_target, --deadheat-target URL, or the variable"
    yield "DEADHEAT_TARGET."
    if source.application:
        yield f"It was found in {source.application}, which may be the target, too."
    plan = plan_from_capture(source.recorded)
    kinds = plan.secrets.values()
    issued = plan.correlation.issued()
    needed = sorted(
        {kind.kind for kind in kinds if kind.kind != "cookie" and kind.id not in issued}
    )
    if needed:
        yield f"It needs a fresh {' and a fresh '.join(needed)}: a fixture deadheat_tokens."
    if _is_in_log(source.finding) and not source.application:
        yield "It needs the server's log: a fixture deadheat_log that returns its path."


def _runs(source: Source) -> Iterator[str]:
    measured = (source.finding or {}).get("rate")
    if not measured:
        return
    low = float(measured["low"])
    runs = repeats_to_see(low, MISS, MOST_RUNS)
    missed = (1 - low) ** runs
    yield f"# If it shows in {100 * low:.0f} % of runs, this many miss it with a chance of"
    yield f"# {100 * missed:.1f} %."
    yield f"runs={runs},"


def _promise(source: Source) -> str:
    if source.finding is None:
        return "The server does as recorded."
    return "The server does the same with this timing as without it."


def _wrapped(text: str) -> list[str]:
    # In a docstring: no escapes, no end of it, nothing that does not print.
    plain = "".join(c if c.isprintable() else " " for c in text).replace("\\", "/")
    return textwrap.wrap(plain.replace('"', "'"), _WIDTH)


def _identifier(stem: str) -> str:
    name = re.sub(r"\W+", "_", stem).strip("_").lower()
    return name if name and not keyword.iskeyword(name) else f"race_{name}".rstrip("_")


def _is_same(path: Path, capture: Path) -> bool:
    return path.resolve() == capture.resolve()


def _write(content: Mapping[Path, bytes]) -> None:
    """Write all files, or none when one of them cannot be written."""
    partial = {path: path.with_name(f".{path.name}.partial") for path in content}
    try:
        for path, text in content.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial[path].write_bytes(text)
        for path, written in partial.items():
            written.replace(path)
    except OSError as error:
        raise UnwritableOutput(f"cannot write {error.filename}: {error.strerror}") from error
    finally:
        for written in partial.values():
            # Where nothing could be written there is nothing to remove.
            with contextlib.suppress(OSError):
                written.unlink()
