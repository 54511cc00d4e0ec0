from __future__ import annotations

import logging

from local_staging.service.logs import UtcFormatter


def test_time_is_utc_with_milliseconds() -> None:
    record = logging.makeLogRecord({"created": 1_700_000_000.25, "msg": "hello"})
    assert UtcFormatter("%(asctime)s %(message)s").format(record) == (
        "2023-11-14T22:13:20.250Z hello"
    )
