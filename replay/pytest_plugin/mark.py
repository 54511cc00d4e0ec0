"""What `@pytest.mark.deadheat(…)` asks for, as data; it checks itself when built."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replay.engine.live import DEFAULT_PATIENCE_S, LONGEST_PATIENCE_S
from replay.errors import ReplayError
from replay.perturbations import Perturbation, from_json
from replay.plan import Pace
from replay.pytest_plugin.expectation import Expectation, expectation_from

if TYPE_CHECKING:
    from replay.engine.virtual.served_application import ServedApplication

MARK = "deadheat"
DEFAULT_RUNS = 1
DEFAULT_PERTURBED_RUNS = 5

Perturb = Perturbation | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One marked test: what is replayed, how often and how, and what has to come of it.

    Paths are as the test wrote them. Without `learns` runs are judged by the recording alone, and
    the server's unperturbed runs are not asked. `patience_s` is how much longer than recorded a run
    waits for the server, until that was learned. `record` is the client that makes the capture.
    """

    capture: str
    edits: tuple[Perturbation, ...] = ()
    finding: str | None = None
    expectation: Expectation = field(default_factory=Expectation)
    learns: bool = True
    runs: int | None = None
    pace: Pace = Pace.CAUSAL
    patience_s: float = DEFAULT_PATIENCE_S
    target: str | ServedApplication | None = None
    jwt_key: str | None = None
    record: Callable[[str], Any] | None = None


def case_from(arguments: Sequence[Any], options: Mapping[str, Any]) -> Case:
    """Return what a mark with these arguments asks for. Raises ReplayError."""
    try:
        bound = signature(_written).bind(*arguments, **options)
    except TypeError as error:
        raise ReplayError(f"@pytest.mark.{MARK}: {error}, expected {usage()}") from None
    return _written(*bound.args, **bound.kwargs)


def usage() -> str:
    """Return the mark as it is written."""
    parameters = [
        parameter.name if parameter.default is Parameter.empty else f"{parameter.name}=…"
        for parameter in signature(_written).parameters.values()
    ]
    return f"{MARK}({', '.join(parameters)})"


def _written(  # noqa: PLR0913  the arguments of the mark, all but one by name
    capture: str | Path,
    *,
    perturb: Perturb | Sequence[Perturb] = (),
    finding: str | Path | None = None,
    expect: Any = "recorded",  # noqa: ANN401  checked by expectation_from
    learn: bool = True,
    runs: int | None = None,
    pace: str = "causal",
    patience: float = DEFAULT_PATIENCE_S,
    target: str | ServedApplication | None = None,
    jwt_key: str | None = None,
    record: Callable[[str], Any] | None = None,
) -> Case:
    if not isinstance(capture, str | Path):
        raise ReplayError(f"capture is {capture!r}, expected the path of a capture")
    # bool is an int to Python, and no number of runs to a person.
    if runs is not None and (not isinstance(runs, int) or isinstance(runs, bool) or runs < 1):
        raise ReplayError(f"runs is {runs!r}, expected 1 or more")
    if pace not in list(Pace):
        raise ReplayError(f"pace is {pace!r}, expected one of: {', '.join(Pace)}")
    if not isinstance(patience, int | float) or not 0 <= patience <= LONGEST_PATIENCE_S:
        raise ReplayError(f"patience is {patience!r}, expected seconds, 0 to {LONGEST_PATIENCE_S}")
    if record is not None and not callable(record):
        raise ReplayError(f"record is {record!r}, expected a function that takes a ws:// URL")
    return Case(
        capture=str(capture),
        edits=_edits(perturb),
        finding=None if finding is None else str(finding),
        expectation=expectation_from(expect),
        learns=learn,
        runs=runs,
        pace=Pace(pace),
        patience_s=patience,
        target=target,
        jwt_key=jwt_key,
        record=record,
    )


def _edits(perturb: Perturb | Sequence[Perturb]) -> tuple[Perturbation, ...]:
    each = perturb if isinstance(perturb, list | tuple) else [perturb]
    return tuple(_edit(edit) for edit in each)


def _edit(edit: Any) -> Perturbation:  # noqa: ANN401  what a test wrote
    if isinstance(edit, Mapping):
        return from_json(edit)
    if isinstance(edit, Perturbation):
        return edit
    raise ReplayError(
        f"perturb has {edit!r}, expected edits as in a finding, for example "
        '{"perturbation": "gap", "connection": "c2", "step": 0, "after": "c1 closed", "gap_ms": 50}'
    )
