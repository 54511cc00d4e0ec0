"""A plan in a file: edits by hand or of a finding, what steps wait for, which values are whose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from capture.errors import UnwritableOutput
from replay.causality import (
    Waits,
    causality_of,
    correlated,
    with_causality,
    with_needs_of_links,
)
from replay.correlation import Correlation
from replay.correlation.links import PAYLOAD
from replay.errors import PlanError
from replay.events import After, Kind
from replay.perturbations import Perturbation, from_json, perturbed
from replay.plan import Open, Plan, Send
from replay.statistics import Rate, rate


@dataclass(frozen=True, slots=True)
class PlanFile:
    """What a file changes of a plan that was made from a capture; `correlation` None is nothing."""

    edits: tuple[Perturbation, ...] = ()
    causality: tuple[Waits, ...] = ()
    correlation: Correlation | None = None

    def amended(self, plan: Plan) -> Plan:
        """Return the plan as a person corrected it, without the edits. Raises PlanError.

        A step needs what its links take their values from, whatever else it is made to wait for.
        """
        if self.correlation is not None:
            _check_links(self.correlation, plan)
            plan = correlated(plan, self.correlation)
        for waits in self.causality:
            for event in (waits.after, *(() if waits.needs is None else waits.needs)):
                _check_comes(event, plan)
        plan = with_needs_of_links(with_causality(plan, self.causality))
        _check_ends(plan)
        return plan

    def applied_to(self, plan: Plan) -> Plan:
        """Return the plan as corrected, and edited. Raises PlanError."""
        corrected = self.amended(plan)
        for edit in self.edits:
            after = getattr(edit, "after", None)
            if isinstance(after, After):
                _check_comes(after, corrected)
        edited = perturbed(corrected, self.edits)
        _check_ends(edited)
        return edited


def read_plan_file(path: Path) -> PlanFile:
    """Return what a plan or finding file says. Raises PlanError."""
    content = _content(path)
    edits = _edits_in(content)
    if edits is None:
        raise PlanError(f'{path} has no "edits", expected a plan or a finding that has')
    causality = content.get("causality", [])
    if not isinstance(causality, list) or not all(isinstance(each, dict) for each in causality):
        raise PlanError(f'{path} has a "causality" that is no list of steps')
    links = content.get("correlation")
    return PlanFile(
        edits=tuple(from_json(edit) for edit in edits),
        causality=tuple(Waits.from_json(each) for each in causality),
        correlation=None if links is None else Correlation.from_json(links),
    )


def read_edits(path: Path) -> tuple[Perturbation, ...]:
    """Return the perturbations of a plan or finding file. Raises PlanError."""
    return read_plan_file(path).edits


def read_rate(path: Path) -> Rate | None:
    """Return how often the edits of a finding failed when it was found; None for a plan.

    Raises PlanError.
    """
    content = _content(path)
    finding = content.get("finding", content) if isinstance(content, dict) else None
    found = finding.get("rate") if isinstance(finding, dict) else None
    if found is None:
        return None
    try:
        return rate(found["failures"], found["runs"])
    except (KeyError, TypeError, ValueError) as error:
        raise PlanError(f"the rate {found} in {path} cannot be read: {error}") from error


def write_plan_file(plan: Plan, path: Path, *, overwrite: bool = False) -> None:
    """Write what was inferred, for a person to correct. Raises UnwritableOutput."""
    content = plan_file_json(plan)
    try:
        with path.open("w" if overwrite else "x", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    except FileExistsError:
        raise UnwritableOutput(f"{path} exists: name another file, or pass --overwrite") from None
    except OSError as error:
        raise UnwritableOutput(f"cannot write {path}: {error.strerror}") from error


def plan_file_json(plan: Plan) -> dict[str, Any]:
    """Return a plan file that changes nothing."""
    return {
        "edits": [],
        "causality": [waits.to_json() for waits in causality_of(plan)],
        "correlation": plan.correlation.to_json(),
    }


def _content(path: Path) -> Any:  # noqa: ANN401  any JSON
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise PlanError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise PlanError(f"{path} is no JSON: {error}") from error


def _edits_in(content: Any) -> list[Mapping[str, Any]] | None:  # noqa: ANN401  any JSON
    if not isinstance(content, dict):
        return None
    finding = content.get("finding")
    edits = finding.get("edits") if isinstance(finding, dict) else content.get("edits")
    return edits if isinstance(edits, list) and all(isinstance(e, dict) for e in edits) else None


def _check_links(correlation: Correlation, plan: Plan) -> None:
    """Raise PlanError unless every link is between things that the plan has, in their order."""
    for source, sink in correlation:
        _check_comes(source.event, plan)
        is_open = isinstance(plan.step(sink.connection, sink.step).action, Open)
        is_send = isinstance(plan.step(sink.connection, sink.step).action, Send)
        if not (is_send if sink.part == PAYLOAD else is_open):
            raise PlanError(
                f"correlation puts a value into {sink}, and that step has no {sink.part}"
            )
        if sink.step == 0 and source.event.connection == sink.connection:
            raise PlanError(f"{sink} cannot have {source}, which comes only after it")


def _check_comes(event: After, plan: Plan) -> None:
    """Raise PlanError when the server said no such message in the recording."""
    if event.kind is not Kind.MESSAGE or event in plan.recorded_ns:
        return
    plan.of(event.connection)
    said = [e for e in plan.recorded_ns if (e.kind, e.connection) == (event.kind, event.connection)]
    if event.called or not 1 <= event.index <= len(said):
        known = ", ".join(map(str, said[:5])) or "none"
        raise PlanError(f"the recording has no {event}, only for example {known}")


def _check_ends(plan: Plan) -> None:
    """Raise PlanError when steps wait for one another in a circle."""
    waiting: dict[tuple[str, int], set[tuple[str, int]]] = {}
    for step in plan.steps():
        key = (step.connection, step.index)
        waiting[key] = {(step.connection, step.index - 1)} if step.index else set()
        for event in (step.after, *step.needs):
            if (first := _first_before(event, plan)) is not None and first != key:
                waiting[key].add(first)
    try:
        TopologicalSorter(waiting).prepare()
    except CycleError as circle:
        connection, index = min(circle.args[1])
        raise PlanError(
            f"{connection} step {index} waits for what comes only after it: change its after"
        ) from None


def _first_before(event: After, plan: Plan) -> tuple[str, int] | None:
    """Return a step that has to be taken before an event can happen."""
    match event.kind:
        case Kind.START:
            return None
        case Kind.STEP:
            return event.connection, event.index
        case Kind.CLOSED:
            return event.connection, len(plan.of(event.connection)) - 1
        case Kind.OPEN | Kind.MESSAGE:
            return event.connection, 0
