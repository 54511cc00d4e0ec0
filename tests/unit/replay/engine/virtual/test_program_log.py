import logging

from replay.engine.virtual.program_log import ProgramLog

LOGGER = logging.getLogger("a.program")


def test_what_is_logged_while_it_listens() -> None:
    log = ProgramLog()
    LOGGER.warning("before")
    with log:
        log.is_listening = False
        LOGGER.warning("not listened to")
        log.is_listening = True
        LOGGER.warning("skipped")
        log.skip()
        LOGGER.warning("two\nlines of %s", "it")
        try:
            raise LookupError("no such thing")
        except LookupError:
            LOGGER.exception("it failed")
    LOGGER.warning("after")
    lines = log.new_lines()
    assert lines[:4] == [
        "WARNING a.program two",
        "lines of it",
        "ERROR a.program it failed",
        "Traceback (most recent call last):",
    ]
    assert lines[-1] == "LookupError: no such thing"
    assert log.new_lines() == []
