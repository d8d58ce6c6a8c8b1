"""The bare handler: it validates a report by the product's own model and stores nothing.

It has no key check, no log and no middleware, so what the product loses against it is the price of
keeping the report. Its answer is as long as the product's. Serve it with granian as
`bench.references.bare_litestar:app`.
"""

import gc

from litestar import Litestar, get, post

from farwork.protocol.reports import ReportIn
from farwork.protocol.tasks import ReportOut


@post("/v1/reports", status_code=200)
async def take_report(data: ReportIn) -> ReportOut:
    """Answers as if the report had been stored."""
    return ReportOut(
        task_id=data.task_id,
        verdict="applied",
        reason=None,
        event_id=1_234_567,
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
