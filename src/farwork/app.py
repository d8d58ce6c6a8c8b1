"""The composition root: builds a server process out of its parts, in plain lines."""

import asyncio
import gc
import os

from litestar import Litestar

from farwork import clock, config
from farwork.config import Config
from farwork.http.auth import Doorkeeper
from farwork.http.context import Context
from farwork.http.server import create_app
from farwork.service.access import Access
from farwork.service.bulk import BulkChanges
from farwork.service.ledger import Ledger
from farwork.service.reports import Reports
from farwork.service.tasks import Tasks
from farwork.storage.store import Store


def build(settings: Config) -> Litestar:
    """The application with everything it stands on; it opens at start-up and closes at shut-down."""
    store = Store(settings.database, clock.now, readers=settings.readers)
    ledger = Ledger(store)
    access = Access(ledger)
    context = Context(
        settings,
        Doorkeeper(access, auth_on=settings.auth_on),
        ledger,
        access,
        Reports(ledger),
        Tasks(ledger),
        BulkChanges(ledger),
    )

    async def open_store() -> None:
        store.open()
        # What is built by now lives as long as the process: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()

    async def close_store() -> None:
        await asyncio.to_thread(store.close)

    return create_app(context, on_startup=[open_store], on_shutdown=[close_store])


def from_environment() -> Litestar:
    """The application as `FARWORK_*` variables describe it; what the server's processes call."""
    return build(config.load(os.environ))
