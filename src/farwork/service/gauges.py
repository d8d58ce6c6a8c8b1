"""What is looked up when somebody asks for metrics: the state of the caller's own project."""

from sqlalchemy import Connection

from farwork.service.access import Principal, Role
from farwork.service.ledger import Ledger
from farwork.storage import event_reader, gauge_reader
from farwork.telemetry.counts import Reading


class Gauges:
    """Reads gauges."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def readings(self, caller: Principal) -> list[Reading]:
        """How things stand in the caller's project. Needs viewer."""
        caller.require(Role.VIEWER)
        project, now = caller.project, self._ledger.now()

        def look(connection: Connection) -> list[Reading]:
            return [
                Reading(
                    "farwork_tasks",
                    "Tasks that are not archived.",
                    ("queue", "kind", "state"),
                    gauge_reader.tasks(connection, project),
                ),
                Reading(
                    "farwork_queue_oldest_seconds",
                    "Age of the oldest queued task of a queue.",
                    ("queue",),
                    gauge_reader.oldest_queued(connection, project, now),
                ),
                Reading(
                    "farwork_hook_lag_events",
                    "Positions of the feed that a hook has yet to read.",
                    ("hook",),
                    gauge_reader.hook_lags(connection, project),
                ),
                Reading(
                    "farwork_hook_failing",
                    "Whether a hook's endpoint is dead.",
                    ("hook",),
                    gauge_reader.hooks_failing(connection, project),
                ),
                Reading(
                    "farwork_feed_position",
                    "The last position of the feed.",
                    (),
                    {(): float(event_reader.head(connection))},
                ),
            ]

        return await self._ledger.read(look)

    @property
    def waiting(self) -> int:
        """How many commands wait to be written."""
        return self._ledger.store.committer.waiting
