"""`/openapi.json`: what the routes say of themselves, and what dialects say of theirs."""

from collections.abc import Iterable
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.datastructures import State

_KEPT = "openapi_json"


def take_in(app: Litestar, parts: Iterable[dict[str, Any]]) -> None:
    """Add paths and schemas that were written by hand; a name may be said twice, but alike."""
    document: Any = app.openapi_schema
    for part in parts:
        _add(document.paths, part["paths"])
        _add(document.components.schemas, part["components"]["schemas"])


def _add(known: dict[str, Any], more: dict[str, Any]) -> None:
    for name, value in more.items():
        assert known.get(name, value) == value, f"two things are called {name!r}"
        known[name] = value


@get("/openapi.json", include_in_schema=False, sync_to_thread=False)
def openapi_json(request: Request[Any, Any, State]) -> Response[bytes]:
    """The document; it is written once."""
    app = request.app
    text: bytes | None = app.state.get(_KEPT)
    if text is None:
        text = msgspec.json.encode(app.openapi_schema.to_schema())
        app.state[_KEPT] = text
    return Response(text, media_type="application/json")
