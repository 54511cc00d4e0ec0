"""Run the auth service: `python -m local_staging.auth_service [--port N]`."""

from __future__ import annotations

import os
import sys

from local_staging.auth_service.app import create_app
from local_staging.auth_service.issuer import TokenIssuer
from local_staging.errors import StagingError
from local_staging.service.listening import run_service
from local_staging.service.logs import configure_logs
from local_staging.service.settings import seconds

DELAY_VARIABLE = "AUTH_DELAY_S"


def main() -> None:
    """Read the environment and serve."""
    configure_logs()
    try:
        issuer = TokenIssuer.from_environment(os.environ)
        delay_s = seconds(os.environ, DELAY_VARIABLE, 0.0)
    except StagingError as error:
        sys.exit(f"auth service: {error}")
    run_service("auth service", create_app(issuer, delay_s=delay_s))


if __name__ == "__main__":
    main()
