from benchmarks.real_bugs.known import RUNS, known_result


def test_one_sign_is_enough() -> None:
    result = known_result(["TypeError: None"])
    assert result["verdict"] == "reproduced"
    assert result["finding"]["rate"] == {"failures": 1, "runs": RUNS}


def test_no_sign_is_no_bug() -> None:
    result = known_result([])
    assert result["verdict"] == "not reproduced"
    assert result["finding"] is None
