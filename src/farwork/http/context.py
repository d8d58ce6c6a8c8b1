"""What handlers work with: the use cases and the doorkeeper, as the composition root makes them."""

from dataclasses import dataclass
from typing import TypeAlias

from litestar.di import NamedDependency

from farwork.config import Config
from farwork.http.auth import Doorkeeper
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
from farwork.service.leases import Leases
from farwork.service.ledger import Ledger
from farwork.service.listings import Listings
from farwork.service.logins import Logins
from farwork.service.operations import Operations
from farwork.service.projects import Projects
from farwork.service.queries import Queries
from farwork.service.reports import Reports
from farwork.service.retention import Retention
from farwork.service.sendings import Sendings
from farwork.service.shards import Shards
from farwork.service.sources import Sources
from farwork.service.steering import Steering
from farwork.service.submissions import Submissions
from farwork.service.tasks import Tasks
from farwork.service.transfer import Transfer
from farwork.service.trees import Trees
from farwork.service.users import Users
from farwork.service.workforce import Workforce
from farwork.telemetry.metrics import Metrics
from farwork.telemetry.traces import Spans


@dataclass(slots=True, frozen=True)
class UseCases:
    """The use cases of one server process."""

    config: Config
    doorkeeper: Doorkeeper
    ledger: Ledger
    access: Access
    reports: Reports
    tasks: Tasks
    hub: Hub
    sources: Sources
    bulk: BulkChanges
    listings: Listings
    operations: Operations
    queries: Queries
    explainer: Explainer
    jobs: Jobs
    feed: Feed
    keys: Keys
    projects: Projects
    prober: Prober
    watch: Watch
    transfer: Transfer
    bell: Bell
    leases: Leases
    workforce: Workforce
    steering: Steering
    kinds: Kinds
    submissions: Submissions
    shards: Shards
    retention: Retention
    channels: Channels
    hooks: Hooks
    deliveries: Deliveries
    trees: Trees
    job_searches: JobSearches
    users: Users
    logins: Logins
    audit: Audit
    metrics: Metrics
    gauges: Gauges
    incoming: Incoming
    spans: Spans
    sendings: Sendings


Context: TypeAlias = NamedDependency[UseCases]
"""What a handler asks for: `context: Context`."""
