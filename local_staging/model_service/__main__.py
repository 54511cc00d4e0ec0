"""Run the model service: `python -m local_staging.model_service [--port N]`."""

from __future__ import annotations

import os
import sys

from local_staging.errors import StagingError
from local_staging.model_service.app import CHUNK_S, FIRST_CHUNK_S, Pace, create_app
from local_staging.service.listening import run_service
from local_staging.service.logs import configure_logs
from local_staging.service.settings import required, seconds

KEY_VARIABLE = "MODEL_KEY"
FIRST_CHUNK_VARIABLE = "MODEL_FIRST_CHUNK_S"
CHUNK_VARIABLE = "MODEL_CHUNK_S"


def main() -> None:
    """Read the environment and serve."""
    configure_logs()
    try:
        key = required(os.environ, KEY_VARIABLE, "the key of those who may ask")
        pace = Pace(
            seconds(os.environ, FIRST_CHUNK_VARIABLE, FIRST_CHUNK_S),
            seconds(os.environ, CHUNK_VARIABLE, CHUNK_S),
        )
    except StagingError as error:
        sys.exit(f"model service: {error}")
    run_service("model service", create_app(key, pace))


if __name__ == "__main__":
    main()
