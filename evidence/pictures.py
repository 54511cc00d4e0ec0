"""Saves the charts of a hunt as files: `python -m evidence.pictures HUNT DIRECTORY`."""

from __future__ import annotations

import sys
from pathlib import Path

from capture.charts import Chart, timeline
from evidence.case import open_case
from evidence.errors import EvidenceError
from evidence.figures import contrast_chart, dose_chart
from evidence.renderer import svg

DOSE, TIMELINE = "dose_response.svg", "timeline.svg"


def write_pictures(hunt: Path, directory: Path) -> list[Path]:
    """Write the dose-response chart and the timeline of a finding; return their paths.

    Raises EvidenceError when the hunt found nothing to draw.
    """
    case = open_case(hunt)
    if case.seen is None:
        raise EvidenceError(f"{hunt} has no finding to draw: {case.headline}")
    charts: dict[str, Chart | None] = {
        DOSE: dose_chart(case.record, case.seen) if case.seen.edit.has_value else None,
        TIMELINE: contrast_chart(case.record, case.seen),
    }
    written = []
    for name, chart in charts.items():
        drawn = chart if chart is not None else timeline(case.record.recorded, "The recording")
        path = directory / name
        path.write_text(svg(drawn.to_dict()) + "\n", encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    for picture in write_pictures(Path(sys.argv[1]), Path(sys.argv[2])):
        print(picture)
