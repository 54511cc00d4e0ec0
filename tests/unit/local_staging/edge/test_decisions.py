from local_staging.edge.decisions import Answer, Kill, Terminate


def test_decisions_are_values() -> None:
    assert Answer(1, 504, "late") == Answer(1, 504, "late")
    assert Terminate(1) != Kill(1)
