from capture.errors import DeadheatError
from replay import errors


def test_every_error_is_one_that_a_person_can_mend() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert all(issubclass(kind, DeadheatError) for kind in kinds)


def test_the_docstring_shows_every_class() -> None:
    names = [name for name, kind in vars(errors).items() if isinstance(kind, type)]
    assert errors.__doc__ is not None
    assert [name for name in names if name not in errors.__doc__] == []
