from local_staging.auth_service.used_tokens import UsedTokenIds


def test_an_id_is_good_once() -> None:
    used = UsedTokenIds()
    assert used.use("a", expires_at_s=100, now_s=0)
    assert used.use("b", expires_at_s=100, now_s=0)
    assert not used.use("a", expires_at_s=100, now_s=99)


def test_it_is_forgotten_when_its_token_is_over() -> None:
    used = UsedTokenIds()
    used.use("a", expires_at_s=100, now_s=0)
    used.use("b", expires_at_s=200, now_s=100)
    assert len(used) == 1
