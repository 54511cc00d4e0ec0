"""Read the fields of a POST, sent as a form or as JSON."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from starlette.requests import Request


class BadFields(Exception):
    """The body is neither a form nor a JSON object."""


async def fields_of(request: Request) -> dict[str, str]:
    """Return the text fields of the body. Raises BadFields."""
    body = await request.body()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if media_type == "application/json":
            fields = _json_fields(body)
        else:
            fields = dict(parse_qsl(body.decode(), strict_parsing=bool(body)))
        # An escape of JSON may say half a character, which has no bytes.
        "".join(fields.values()).encode()
        return fields
    except RecursionError:
        raise BadFields("expected a form or a JSON object: it is nested too deeply") from None
    except ValueError as error:
        raise BadFields(f"expected a form or a JSON object: {error}") from None


def _json_fields(body: bytes) -> dict[str, str]:
    parsed = json.loads(body)
    if not isinstance(parsed, dict):
        raise BadFields("expected a JSON object")
    return {name: value for name, value in parsed.items() if isinstance(value, str)}
