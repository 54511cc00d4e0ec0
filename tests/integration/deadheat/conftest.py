from tests.integration.replay.conftest import port

__all__ = ["port"]
