from pathlib import Path

import pytest

from replay.engine.virtual.application import application_maker
from replay.errors import ReplayError

MODULE = """
async def app(scope, receive, send): ...
def make(): return object()
def make_with(debug=False): return object()
class Holder:
    app = app
class Callable:
    async def __call__(self, scope, receive, send): ...
instance = Callable()
def any_of(*args): ...
number = 7
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop_of_a_test.py").write_text(MODULE)
    (tmp_path / "broken_of_a_test.py").write_text("import nowhere_at_all")
    (tmp_path / "failing_of_a_test.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    # To be put back as it was.
    monkeypatch.syspath_prepend("/")


@pytest.mark.parametrize("path", ["app", "Holder.app", "instance", "any_of"])
def test_an_application_is_the_same_each_time(path: str) -> None:
    make = application_maker(f"shop_of_a_test:{path}")
    assert make() is make()


@pytest.mark.parametrize("path", ["make", "make_with"])
def test_a_factory_makes_it_anew(path: str) -> None:
    make = application_maker(f"shop_of_a_test:{path}")
    assert make() is not make()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("shop_of_a_test", "expected module:attribute"),
        (":app", "expected module:attribute"),
        ("nowhere.at_all:app", "there is no module 'nowhere.at_all' to import from"),
        ("shop_of_a_test:other", "shop_of_a_test has no other"),
        ("shop_of_a_test:number", "shop_of_a_test:number is a int, expected an ASGI application"),
        (
            "broken_of_a_test:app",
            "broken_of_a_test: No module named 'nowhere_at_all'",
        ),
        ("failing_of_a_test:app", "ZeroDivisionError: division by zero"),
    ],
)
def test_what_is_none(name: str, reason: str) -> None:
    with pytest.raises(ReplayError, match=reason):
        application_maker(name)
