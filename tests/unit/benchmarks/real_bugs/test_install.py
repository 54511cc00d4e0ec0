from pathlib import Path

from benchmarks.real_bugs.case import Runtime
from benchmarks.real_bugs.install import executable, folder_name


def test_a_folder_tells_the_package_and_differs_with_any_of_them() -> None:
    one = folder_name(("uvicorn==0.52.0", "websockets==16.0"))
    other = folder_name(("uvicorn==0.52.0", "websockets==15.0"))
    assert one.startswith("uvicorn-0.52.0-")
    assert one != other


def test_a_package_of_npm_makes_a_folder_without_its_sign() -> None:
    assert "@" not in folder_name(("ws@8.23.0",))


def test_python_is_the_one_of_the_folder() -> None:
    assert executable(Path("x"), Runtime.PYTHON) == Path("x/bin/python")
    assert executable(Path("x"), Runtime.NODE) == Path("node")
