import pytest

from evidence.errors import UnprovenClaim
from evidence.whys import Evidence, Status, Why, statuses, walk

SHA256 = "ab" * 32
PROOF = Evidence("hunt/runs.jsonl", SHA256, "20 of 20 fail", 20)


def test_nothing_is_supported_without_evidence() -> None:
    with pytest.raises(UnprovenClaim, match="'Why\\?' is supported without any evidence"):
        Why("Why?", "Because.", Status.SUPPORTED)


def test_nothing_is_refuted_without_evidence() -> None:
    with pytest.raises(UnprovenClaim, match="refuted without"):
        Why("Why?", "It is not so.", Status.REFUTED)


def test_an_open_why_says_how_to_answer_it() -> None:
    with pytest.raises(UnprovenClaim, match="does not say how"):
        Why("Why?", "Not known.", Status.OPEN)
    assert Why("Why?", "Not known.", Status.OPEN, to_answer="look").status is Status.OPEN


def test_evidence_rests_on_at_least_one_record() -> None:
    with pytest.raises(UnprovenClaim, match="rests on 0 records"):
        Evidence("hunt/runs.jsonl", SHA256, "nothing", 0)


@pytest.mark.parametrize("file", ["/var/hunt/runs.jsonl", "../hunt/runs.jsonl", ""])
def test_evidence_names_files_that_mean_the_same_anywhere(file: str) -> None:
    with pytest.raises(UnprovenClaim, match="expected a relative path"):
        Evidence(file, SHA256, "it fails", 1)


@pytest.mark.parametrize("digest", ["", "ab" * 31, "XY" * 32, "ab" * 32 + "\n"])
def test_evidence_has_a_whole_digest(digest: str) -> None:
    with pytest.raises(UnprovenClaim, match="64 hex digits"):
        Evidence("hunt/runs.jsonl", digest, "it fails", 1)


def test_each_why_comes_before_those_that_it_leads_to() -> None:
    leaf = Why("Why so?", "Because.", Status.SUPPORTED, (PROOF,))
    other = Why("Why now?", "Not known.", Status.OPEN, to_answer="look")
    top = Why("What?", "This.", Status.SUPPORTED, (PROOF,), whys=(leaf, other))
    assert [(depth, why.question) for depth, why in walk((top,))] == [
        (0, "What?"),
        (1, "Why so?"),
        (1, "Why now?"),
    ]
    assert statuses((top,))["Why now?"] == "open"
