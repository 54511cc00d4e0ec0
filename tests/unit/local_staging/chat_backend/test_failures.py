from __future__ import annotations

from starlette.websockets import WebSocketDisconnected

from local_staging.chat_backend.failures import described, root_cause


def test_root_cause_is_inside_the_groups() -> None:
    inner = RuntimeError("inner")
    group = ExceptionGroup("outer", [ExceptionGroup("middle", [inner]), ValueError("other")])
    assert root_cause(group) is inner
    assert root_cause(inner) is inner


def test_error_of_a_library_is_named_by_its_built_in_class() -> None:
    assert described(WebSocketDisconnected("gone")) == "RuntimeError: gone"
    assert described(ValueError("bad")) == "ValueError: bad"
