from replay.search.candidates import ranked


def test_rounds_come_in_the_order_of_their_names() -> None:
    coarse = [ranked.NO_PAUSE, ranked.AT_ONCE, ranked.COARSE, ranked.ROUGH]
    rounds = [*coarse, ranked.FINE, ranked.FINER, ranked.FINEST]
    assert rounds == sorted(set(rounds))
