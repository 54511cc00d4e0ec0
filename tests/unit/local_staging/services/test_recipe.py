import socket

from local_staging.services.recipe import HOST, Recipe, is_free, port_for


def test_a_port_is_taken_while_somebody_listens() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        assert port_for(port) != port
    assert is_free(port)
    assert port_for(port) == port


def test_any_port_is_one_that_is_free() -> None:
    assert is_free(port_for(0))


def test_what_is_secret_is_not_shown() -> None:
    recipe = Recipe("a program", ("x",), 1, "scheme://user:secret@h/", {"PASSWORD": "secret"})
    assert "secret" not in repr(recipe)
