"""The composition root: builds a server process out of its parts, in plain lines."""

import asyncio
import gc
import os
from dataclasses import dataclass
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
from farwork.service.audit import Audit
from farwork.service.bulk import BulkChanges
from farwork.service.deliveries import Deliveries
from farwork.service.explain import Explainer
from farwork.service.feed import Feed
from farwork.service.gauges import Gauges
from farwork.service.health import Prober
from farwork.service.hooks import Hooks
from farwork.service.incoming import Incoming
from farwork.service.job_searches import JobSearches
from farwork.service.jobs import Jobs
from farwork.service.keys import Keys
from farwork.service.kinds import Kinds
from farwork.service.last_use import LastUse
from farwork.service.leases import Leases
from farwork.service.ledger import Ledger
from farwork.service.limits import Limits, Rate
from farwork.service.listings import Listings
from farwork.service.logins import Logins
from farwork.service.operations import Operations
from farwork.service.passwords import Passwords
from farwork.service.projects import Projects
from farwork.service.queries import Queries
from farwork.service.reports import Reports
from farwork.service.retention import Retention
from farwork.service.sendings import Sendings
from farwork.service.shards import Shards
from farwork.service.sources import Sources
from farwork.service.steering import Steering
from farwork.service.submissions import Submissions
from farwork.service.targets import Guard
from farwork.service.tasks import Tasks
from farwork.service.transfer import Transfer
from farwork.service.trees import Trees
from farwork.service.users import Users
from farwork.service.workforce import Workforce
from farwork.storage.engine import ACCESS_CHANNEL, FEED_CHANNEL, READY_CHANNEL
from farwork.storage.store import Store
from farwork.telemetry.metrics import Metrics
from farwork.telemetry.traces import Spans, spans_to
from farwork.upkeep.job_deadlines import JobDeadlineKeeper
from farwork.upkeep.keepers import (
    DeadlineKeeper,
    DeliveryPruner,
    Keeper,
    LeaseReaper,
    Scheduler,
    SendingPruner,
)
from farwork.upkeep.retention import Archiver, Pruner
from farwork.upkeep.runner import Upkeep

# A batch of reports makes thousands of objects that live until its commit, and no cycles: the
# collector's own threshold of 700 would have it walk them again and again.
GC_THRESHOLDS = (50_000, 20, 100)


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
    store.committer.on_batch = metrics.committed
    ledger = Ledger(store)
    last_use = LastUse(ledger)
    limits = Limits(ledger, _default_rate(settings))
    access = Access(ledger, limits, last_use, _outside(settings, ledger, limits))
    listener = _listener(settings.database, hub, bell, access) if store.is_shared else None
    passwords = Passwords()
    sources = Sources(ledger)
    reports = Reports(ledger)
    operations = Operations(ledger)
    kinds, workforce = Kinds(ledger), Workforce(ledger)
    upkeep = Upkeep(ledger, _keepers(ledger), lambda: hub.ticket)
    guard = Guard(config.listed(settings.hook_targets_allowed))
    sender = HookSender(ledger, hub, Poster(guard))
    sender.on_attempt = metrics.attempted
    sender.spans = spans = spans_to(settings.traces, "farwork")
    context = UseCases(
        settings, Doorkeeper(access, sources, auth_on=settings.auth_on), ledger, access, reports,
        Tasks(ledger, kinds), hub, sources, BulkChanges(ledger), Listings(ledger), operations,
        Queries(ledger), Explainer(ledger), Jobs(ledger), Feed(ledger), Keys(ledger, access),
        Projects(ledger, on_change=reports.forget), Prober(ledger), Watch(ledger, hub),
        Transfer(ledger), bell, Leases(ledger, workforce), workforce, Steering(ledger), kinds,
        Submissions(ledger), Shards(ledger), Retention(ledger),
        Channels(ledger, hub, on_drop=metrics.dropped),
        Hooks(ledger, guard, sender), Deliveries(ledger), Trees(ledger), JobSearches(ledger),
        Users(ledger, access, passwords), Logins(ledger, access, passwords), Audit(ledger), metrics,
        Gauges(ledger), Incoming(ledger), spans, Sendings(ledger),
    )  # fmt: skip

    running = _Running(
        store, hub, bell, listener, operations, upkeep, sender, last_use, passwords, spans
    )  # fmt: skip
    app = create_app(context, on_startup=[running.open], on_shutdown=[running.close])
    # Whoever runs the process sends home those who wait for news before it stops.
    app.state.hub = hub
    # Whoever steps the clock lets what follows happen at once.
    app.state.upkeep = upkeep
    hub.on_close = bell.close
    return app


@dataclass(slots=True, frozen=True)
class _Running:
    """What begins with the server and ends with it."""

    store: Store
    hub: Hub
    bell: Bell
    listener: Any
    operations: Operations
    upkeep: Upkeep
    sender: HookSender
    last_use: LastUse
    passwords: Passwords
    spans: Spans

    async def open(self) -> None:
        self.hub.open()
        self.bell.open()
        self.store.open()
        if self.listener is not None:
            self.listener.start()
        self.operations.open()
        self.upkeep.open()
        self.sender.open()
        _spare_the_collector()

    async def close(self) -> None:
        await self.upkeep.close()
        await self.sender.close()
        await self.operations.close()
        await self.last_use.close()
        self.hub.close()
        self.bell.close()
        if self.listener is not None:
            await asyncio.to_thread(self.listener.close)
        await asyncio.to_thread(self.store.close)
        self.passwords.close()
        await asyncio.to_thread(self.spans.close)


def _spare_the_collector() -> None:
    # What is built by now lives as long as the process; without this, full collections of 30 to
    # 50 ms would come several times a second under load.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _default_rate(settings: Config) -> Rate | None:
    if settings.rate_requests_max == 0:
        return None
    return Rate(settings.rate_requests_max, settings.rate_window_seconds)


def _outside(settings: Config, ledger: Ledger, limits: Limits) -> Any:
    if not settings.oidc_issuer:
        return None
    # What checks signatures takes a while to load, and most servers trust nobody else.
    from farwork.service.outside_tokens import OutsideTokens, terms_of  # noqa: PLC0415 - see above

    terms = terms_of(settings)
    return terms and OutsideTokens(ledger, limits, terms)


KEEPERS = (
    LeaseReaper,
    DeadlineKeeper,
    Scheduler,
    JobDeadlineKeeper,
    DeliveryPruner,
    SendingPruner,
    Archiver,
    Pruner,
)


def _keepers(ledger: Ledger) -> list[Keeper]:
    return [keeper(ledger) for keeper in KEEPERS]


def _listener(database: str, hub: Hub, bell: Bell, access: Access) -> Any:
    # With it comes the driver of PostgreSQL, which a server on SQLite need not wait for.
    from farwork.realtime.listener import Listener  # noqa: PLC0415 - see above

    return Listener(
        database,
        {
            FEED_CHANNEL: lambda _told: hub.wake(),
            READY_CHANNEL: bell.told,
            ACCESS_CHANNEL: lambda _told: access.forget(),
        },
    )


def from_environment() -> Server:
    """The application as `FARWORK_*` variables describe it; what the server's processes call."""
    return build(config.load(os.environ))
