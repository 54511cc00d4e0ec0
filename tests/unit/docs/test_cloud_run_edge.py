"""docs/cloud_run_edge.md says of each limit what the policies and their sources say."""

from pathlib import Path

import pytest

from local_staging.edge.policy import CLOUD_RUN, PLAN, SHORT, SOURCES, Certainty, limits

PAGE = (Path(__file__).parents[3] / "docs/cloud_run_edge.md").read_text()


def shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, int | float) else str(value)


@pytest.mark.parametrize("limit", limits())
def test_the_row_of_a_limit(limit: str) -> None:
    source = SOURCES[limit]
    values = " | ".join(shown(getattr(policy, limit)) for policy in (CLOUD_RUN, PLAN, SHORT))
    kind = "**claimed**" if source.certainty is Certainty.CLAIMED else source.certainty.name.lower()
    link = f" ([page]({source.page}))" if source.page else ""
    assert f"| `{limit}` | {values} | {kind} | {source.what}{link} |" in PAGE
