import pytest

from replay.oracles.varying import without_varying


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("2026-11-23T21:46:33.999Z ERROR no session", "# ERROR no session"),
        ("<Task at 0x7f3a> took 12.5 s", "<Task at #> took #.# s"),
        ("connection 0f733943-bc73-4df2-b343-d6db4eea283d: gone", "connection #: gone"),
        ("nothing varies", "nothing varies"),
    ],
)
def test_what_varies_is_left_out(line: str, left: str) -> None:
    assert without_varying(line) == left
