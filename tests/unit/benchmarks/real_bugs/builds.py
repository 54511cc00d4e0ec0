"""A case of our own, for tests of what is done with one."""

from benchmarks.real_bugs.case import Build, Case

BAD = Build("1.0", True, ("thing==1.0",), ("thing", "{port}"))
GOOD = Build("1.1", False, ("thing==1.1",), ("thing", "{port}"), note="of the same day")


async def nobody(url: str) -> None:
    """Play no session."""


CASE = Case("thing_breaks", "thing", "It breaks.", nobody, "1011", "closed", (BAD, GOOD))
