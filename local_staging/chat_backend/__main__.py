"""Run the chat backend: `python -m local_staging.chat_backend [--port N]`."""

from __future__ import annotations

import os
import sys

from local_staging.chat_backend.app import create_app
from local_staging.chat_backend.settings import Settings
from local_staging.errors import StagingError
from local_staging.service.listening import run_service
from local_staging.service.logs import configure_logs


def main() -> None:
    """Read the environment and serve."""
    configure_logs()
    try:
        settings = Settings.from_environment(os.environ)
    except StagingError as error:
        sys.exit(f"chat backend: {error}")
    pings, app = settings.pings, create_app(settings)
    run_service(
        "chat backend",
        app,
        ping_interval_s=pings.interval_s,
        ping_timeout_s=pings.timeout_s,
        has_arrivals=lambda: app.state.backend.has_arrivals,
    )


if __name__ == "__main__":
    main()
