import pytest

from capture.errors import DeadheatError
from evidence.errors import DamagedHunt, EvidenceError, ReportFailed, UnprovenClaim


@pytest.mark.parametrize("kind", [UnprovenClaim, DamagedHunt, ReportFailed])
def test_every_error_is_one_that_the_command_line_shows(kind: type[Exception]) -> None:
    assert issubclass(kind, EvidenceError)
    assert issubclass(EvidenceError, DeadheatError)
