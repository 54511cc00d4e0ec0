"""The model of local staging, asked without a network and answering at once."""

from __future__ import annotations

import asyncio

import httpx

from local_staging.chat_backend.model_client import ModelClient, Pause
from local_staging.model_service.app import Pace, create_app
from local_staging.model_service.completion import MODEL

KEY = "a key for the model"
AT_ONCE = Pace(0.0, 0.0)


def rules_model(
    transport: httpx.AsyncBaseTransport | None = None, pause: Pause = asyncio.sleep
) -> ModelClient:
    """Return a client of the model, or of what `transport` reaches."""
    http = httpx.AsyncClient(
        base_url="http://model/v1",
        headers={"Authorization": f"Bearer {KEY}"},
        transport=transport or httpx.ASGITransport(create_app(KEY, AT_ONCE)),
    )
    return ModelClient(http, MODEL, pause)
