"""The statements of work under leases, compiled for one engine."""

from sqlalchemy import Dialect, and_, bindparam, delete, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.expression import ClauseElement

from farwork.storage import tables as t
from farwork.storage.prepared import Prepared
from farwork.storage.rows import TASK_COLUMNS

LEASE_COLUMNS = ("task_pk", "project", "queue", "worker", "lease_seq", "ends_at")


class WorkStatements:
    """Claims, leases, and what limits them."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.postgres = dialect.name == "postgresql"
        self._insert = postgresql.insert if self.postgres else sqlite.insert
        self._claims()
        self._leases()
        self._alarms()
        self._slots()

    def _prepare(self, statement: ClauseElement, *columns: str) -> Prepared:
        return Prepared(statement, self._dialect, columns)

    def _claims(self) -> None:
        c = t.tasks.c
        # What an index is partial by must stand in the statement word for word.
        ready = and_(
            c.project == bindparam("project"), c.queue == bindparam("queue"), text(t.READY)
        )
        select_ready = (
            select(*(c[name] for name in TASK_COLUMNS))
            .where(ready, c.lane == bindparam("lane"))
            .order_by(c.priority.desc(), c.created_at, c.pk)
            .limit(bindparam("count"))
        )
        if self.postgres:
            # What another process is about to claim is passed over, not waited for.
            select_ready = select_ready.with_for_update(skip_locked=True)
        self.select_ready = self._prepare(select_ready, "project", "queue", "lane", "count")
        # The lanes of a queue one by one: a look at each, however many tasks wait in it.
        self.next_lane = self._prepare(
            select(func.min(c.lane)).where(ready, c.lane > bindparam("after")),
            "project",
            "queue",
            "after",
        )
        self.first_lane = self._prepare(select(func.min(c.lane)).where(ready), "project", "queue")
        q = t.queues.c
        self.select_queues = self._prepare(
            select(q.name, q.state, q.running_max, q.fair_by).where(
                q.project == bindparam("project")
            ),
            "project",
        )
        limits = t.label_limits.c
        self.select_label_limits = self._prepare(
            select(limits.key, limits.running_max).where(limits.project == bindparam("project")),
            "project",
        )

    def _leases(self) -> None:
        leases = t.leases
        lease = self._insert(leases)
        self.upsert_leases = self._prepare(
            lease.on_conflict_do_update(
                index_elements=["task_pk"],
                set_={n: lease.excluded[n] for n in LEASE_COLUMNS if n != "task_pk"},
            ),
            *LEASE_COLUMNS,
        )
        self.delete_leases = self._prepare(
            delete(leases).where(leases.c.task_pk == bindparam("key")), "key"
        )
        self.renew_leases = self._prepare(
            update(leases)
            .where(
                leases.c.task_pk == bindparam("key"),
                leases.c.lease_seq == bindparam("seq"),
                leases.c.ends_at < bindparam("until"),
            )
            .values(ends_at=bindparam("until_")),
            "key",
            "seq",
            "until",
            "until_",
        )
        # Locked where others write meanwhile: what is decided of a lease that has run out must not
        # be written over a renewal that came in between. (SQLite holds its one write lock.)
        self.select_lease_end = self._prepare(
            select(leases.c.ends_at)
            .where(leases.c.task_pk == bindparam("key"), leases.c.lease_seq == bindparam("seq"))
            .with_for_update(),
            "key",
            "seq",
        )
        self.count_queue = self._prepare(
            select(func.count())
            .select_from(leases)
            .where(leases.c.project == bindparam("project"), leases.c.queue == bindparam("queue")),
            "project",
            "queue",
        )

    def _alarms(self) -> None:
        c, leases = t.tasks.c, t.leases
        self.select_expired = self._prepare(
            select(c.project, c.id, leases.c.lease_seq)
            .join(leases, leases.c.task_pk == c.pk)
            .where(leases.c.ends_at <= bindparam("now"))
            .order_by(leases.c.ends_at)
            .limit(bindparam("count")),
            "now",
            "count",
        )
        self.select_due = self._prepare(
            select(c.project, c.id)
            .where(c.not_before <= bindparam("now"))
            .order_by(c.not_before)
            .limit(bindparam("count")),
            "now",
            "count",
        )
        self.select_overdue = self._prepare(
            select(c.project, c.id)
            .where(c.deadline_at <= bindparam("now"))
            .order_by(c.deadline_at)
            .limit(bindparam("count")),
            "now",
            "count",
        )
        self.next_alarms = self._prepare(
            select(
                select(func.min(leases.c.ends_at)).scalar_subquery(),
                select(func.min(c.not_before)).where(c.not_before.is_not(None)).scalar_subquery(),
                select(func.min(c.deadline_at)).where(c.deadline_at.is_not(None)).scalar_subquery(),
            )
        )

    def _slots(self) -> None:
        slots = t.slots
        slot = self._insert(slots)
        self.insert_slots = self._prepare(
            slot.on_conflict_do_nothing(), "project", "slot", "task_pk"
        )
        self.delete_slots = self._prepare(
            delete(slots).where(slots.c.task_pk == bindparam("key")), "key"
        )
        self.count_slot = self._prepare(
            select(func.count())
            .select_from(slots)
            .where(slots.c.project == bindparam("project"), slots.c.slot == bindparam("slot")),
            "project",
            "slot",
        )
