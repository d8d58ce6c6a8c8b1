"""The composition root: builds a server process out of its parts, in plain lines."""

import asyncio
import gc
import os
from typing import Any

from farwork import clock, config
from farwork.config import Config
from farwork.http.auth import Doorkeeper
from farwork.http.context import UseCases
from farwork.http.server import Server, create_app
from farwork.notifications.post import Poster
from farwork.notifications.sender import HookSender
from farwork.realtime.bell import Bell
from farwork.realtime.channels import Channels
from farwork.realtime.hub import Hub
from farwork.realtime.watch import Watch
from farwork.service.access import Access
from farwork.service.bulk import BulkChanges
from farwork.service.deliveries import Deliveries
from farwork.service.explain import Explainer
from farwork.service.feed import Feed
from farwork.service.gauges import Gauges
from farwork.service.health import Prober
from farwork.service.hooks import Hooks
from farwork.service.incoming import Incoming
from farwork.service.jobs import Jobs
from farwork.service.keys import Keys
from farwork.service.kinds import Kinds
from farwork.service.leases import Leases
from farwork.service.ledger import Ledger
from farwork.service.listings import Listings
from farwork.service.operations import Operations
from farwork.service.projects import Projects
from farwork.service.queries import Queries
from farwork.service.reports import Reports
from farwork.service.sources import Sources
from farwork.service.steering import Steering
from farwork.service.targets import Guard
from farwork.service.tasks import Tasks
from farwork.service.transfer import Transfer
from farwork.service.workforce import Workforce
from farwork.storage.store import Store
from farwork.telemetry import Metrics
from farwork.upkeep.keepers import (
    DeadlineKeeper,
    DeliveryPruner,
    Keeper,
    LeaseReaper,
    Scheduler,
)
from farwork.upkeep.runner import Upkeep

# A batch of reports makes thousands of objects that live until its commit, and no cycles: the
# collector's own threshold of 700 would have it walk them again and again.
GC_THRESHOLDS = (25_000, 20, 100)


def build(settings: Config) -> Server:
    """The application with all that it stands on; opens at start-up, closes at shut-down."""
    hub = Hub()
    metrics = Metrics()
    bell = Bell()
    store = Store(
        settings.database,
        clock.now,
        readers=settings.readers,
        on_commit=lambda _head: hub.wake(),
        on_ready=bell.ring,
    )
    listener = _listener(settings.database, hub, bell) if store.is_shared else None
    store.committer.on_batch = metrics.committed
    ledger = Ledger(store)
    access = Access(ledger)
    sources = Sources(ledger)
    reports = Reports(ledger)
    operations = Operations(ledger)
    guard = Guard(config.listed(settings.hook_targets_allowed))
    sender = HookSender(ledger, hub, Poster(guard))
    sender.on_attempt = metrics.attempted
    workforce = Workforce(ledger)
    kinds = Kinds(ledger)
    upkeep = Upkeep(ledger, _keepers(ledger))
    context = UseCases(
        settings, Doorkeeper(access, sources, auth_on=settings.auth_on), ledger, access, reports,
        Tasks(ledger, kinds), hub, sources, BulkChanges(ledger), Listings(ledger), operations,
        Queries(ledger), Explainer(ledger), Jobs(ledger), Feed(ledger), Keys(ledger, access),
        Projects(ledger, on_change=reports.forget), Prober(ledger), Watch(ledger, hub),
        Transfer(ledger), Channels(ledger, hub, on_drop=metrics.dropped),
        Hooks(ledger, guard, sender), Deliveries(ledger), metrics, Gauges(ledger),
        Incoming(ledger), bell,
        Leases(ledger, workforce), workforce, Steering(ledger), kinds,
    )  # fmt: skip

    async def open_store() -> None:
        hub.open()
        bell.open()
        store.open()
        if listener is not None:
            listener.start()
        operations.open()
        sender.open()
        upkeep.open()
        _tune_collector()

    async def close_store() -> None:
        await sender.close()
        await upkeep.close()
        await operations.close()
        hub.close()
        bell.close()
        if listener is not None:
            await asyncio.to_thread(listener.close)
        await asyncio.to_thread(store.close)

    app = create_app(context, on_startup=[open_store], on_shutdown=[close_store])
    # Whoever runs the process sends home those who wait for news before it stops.
    app.state.hub = hub
    return app


def _tune_collector() -> None:
    # What is built by now lives as long as the process; without this, full collections of 30 to
    # 50 ms would come several times a second under load.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _keepers(ledger: Ledger) -> list[Keeper]:
    return [LeaseReaper(ledger), DeadlineKeeper(ledger), Scheduler(ledger), DeliveryPruner(ledger)]


def _listener(database: str, hub: Hub, bell: Bell) -> Any:
    # With it comes the driver of PostgreSQL, which a server on SQLite need not wait for.
    from farwork.realtime.listener import Listener  # noqa: PLC0415 - see above

    return Listener(database, hub.wake, bell.told)


def from_environment() -> Server:
    """The application as `FARWORK_*` variables describe it; what the server's processes call."""
    return build(config.load(os.environ))
