"""Health: is the process alive, and can it work?"""

from typing import Any

from litestar import Response, Router, get

from farwork.http.context import Context
from farwork.storage import event_reader


@get("/healthz", summary="Is the process alive?", operation_id="health", sync_to_thread=False)
def healthz() -> dict[str, str]:
    """Alive."""
    return {"status": "ok"}


@get("/readyz", summary="Can it work?", operation_id="ready", raises=[])
async def readyz(context: Context) -> Response[dict[str, Any]]:
    """Whether the database can be read; 503 with the reason when not."""
    position = await context.ledger.read(event_reader.head)
    return Response({"status": "ok", "feed_position": position})


def router() -> Router:
    """The routes of operation."""
    return Router("/", route_handlers=[healthz, readyz], tags=["ops"])
