"""One log configuration for all services: standard error, UTC, no query string, no token."""

from __future__ import annotations

import logging
import logging.config

from local_staging.clock import utc_text


class UtcFormatter(logging.Formatter):
    """Writes the time of a record as ISO 8601 in UTC with milliseconds."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """Return the time of the record."""
        return utc_text(record.created)


def configure_logs() -> None:
    """Send the logs of the service and of its libraries to standard error."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "utc": {
                    "()": UtcFormatter,
                    "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "utc"}},
            "root": {"level": "INFO", "handlers": ["stderr"]},
            "loggers": {
                # At INFO uvicorn logs paths with their query strings, and httpx logs URLs; a client
                # may have put its token there.
                "uvicorn": {"level": "WARNING"},
                "httpx": {"level": "WARNING"},
            },
        }
    )
