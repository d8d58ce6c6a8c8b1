"""The bare handler: it validates the body of a report and stores nothing.

It has no key check, no log and no middleware, so what the product loses against it is the price of
keeping the report. Its answer is as long as the product's. Serve it with granian as
`bench.references.bare_litestar:app`.
"""

import gc
from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Litestar, get, post
from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Count = Annotated[int, Meta(ge=0)]
State = Literal["created", "blocked", "queued", "running", "succeeded", "failed", "cancelled"]


class Progress(Struct, forbid_unknown_fields=True):
    """How far the work is."""

    percent: Percent
    message: str | None = None


class Failure(Struct, forbid_unknown_fields=True):
    """Why the work failed."""

    category: Name
    message: str
    details: Any = None


class Origin(Struct, forbid_unknown_fields=True):
    """Where the work runs."""

    source: Name | None = None
    instance: Name | None = None
    zone: Name | None = None
    version: Name | None = None


class Shard(Struct, forbid_unknown_fields=True):
    """The part of the work that the report is about."""

    index: Count
    state: State | None = None
    result: Any = None
    error: Failure | None = None
    item_count: Count | None = None
    item_offset: Count | None = None
    external_ref: Name | None = None
    queue: Name | None = None


class Report(Struct, forbid_unknown_fields=True):
    """A statement from outside about a task."""

    task_id: Name
    source: Name | None = None
    delivery_id: Name | None = None
    occurred_at: datetime | None = None
    attempt: Annotated[int, Meta(ge=1)] | None = None
    state: State | None = None
    reason: Name | None = None
    reported_status: Name | None = None
    progress: Percent | Progress | None = None
    message: str | None = None
    error: Failure | None = None
    metadata: dict[str, Any] | None = None
    result: Any = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    kind: Name | None = None
    name: Name | None = None
    queue: Name | None = None
    labels: dict[Name, str] | None = None
    external_ref: Name | None = None
    job_id: Name | None = None
    origin: Origin | None = None
    shard: Shard | None = None


class Receipt(Struct):
    """What became of a report."""

    task_id: str
    verdict: str
    reason: str | None
    event_id: str
    state: str
    version: int


@post("/v1/reports", status_code=200)
async def take_report(data: Report) -> Receipt:
    """Answers as if the report had been stored."""
    return Receipt(
        task_id=data.task_id,
        verdict="applied",
        reason=None,
        event_id="0193513e-5a8c-7b4e-9d2f-3c1a5b7e9f01",
        state=data.state or "running",
        version=17,
    )


@get("/readyz")
async def ready() -> str:
    """Answers as soon as the server listens."""
    return "ready"


app = Litestar([take_report, ready], openapi_config=None, logging_config=None)

# The modules in memory are garbage-collected in pauses of 40 ms, several times a second under load.
# Freezing them spares the reference those pauses; with them it would be an easier mark.
gc.collect()
gc.freeze()
