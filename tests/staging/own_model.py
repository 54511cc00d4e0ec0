"""The model of local staging, for many stagings: it remembers nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_staging.launch import OWN_MODEL, START_S
from local_staging.model_access import ModelAccess
from local_staging.processes import HOST, ServiceSpec, start


@contextmanager
def own_model(directory: Path) -> Iterator[ModelAccess]:
    """Have it for the time of the context; its log goes to `directory`."""
    key, log_path = secrets.token_urlsafe(), directory / "model_service.log"
    told = {"MODEL_KEY": key}
    spec = ServiceSpec("model service", "local_staging.model_service", 0, log_path, told)
    service = start(spec, START_S)
    try:
        yield ModelAccess(f"http://{HOST}:{service.port}/v1", key, OWN_MODEL)
    finally:
        service.stop()
