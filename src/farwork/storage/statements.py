"""The statements of the write path, by noun, compiled for one engine."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    Dialect,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.expression import ClauseElement

from farwork.storage import tables as t
from farwork.storage.engine import (
    among_keys,
    among_texts,
    list_parameter,
    pairs_of_keys,
    pairs_parameter,
)
from farwork.storage.prepared import Prepared
from farwork.storage.rows import MOVED_COLUMNS, PROGRESS_COLUMNS, SHARD_COLUMNS, TASK_COLUMNS
from farwork.storage.work_statements import WorkStatements

EVENT_COLUMNS = tuple(c.name for c in t.events.columns)
# Stored answers that are dropped with each batch that stores some: more than one batch's worth
# would be felt by those who wait for it, and as many as come must go.
PRUNED_AT_ONCE = 2_000
FORGOTTEN = "forgotten"
"""The head that counts events which are gone: positions that nobody shall look for."""
DETAIL_COLUMNS = tuple(c.name for c in t.details.columns)
RESULT_COLUMNS = tuple(c.name for c in t.results.columns)


class Statements:
    """Every statement of the write path, ready to execute on one engine."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.postgres = dialect.name == "postgresql"
        self._insert = postgresql.insert if self.postgres else sqlite.insert
        self._tasks()
        self._details()
        self._parts()
        self._log()
        self._sums()
        self.work = WorkStatements(dialect)

    def _prepare(self, statement: ClauseElement, *columns: str) -> Prepared:
        return Prepared(statement, self._dialect, columns)

    def _insert_all(self, table: Table) -> Prepared:
        names = tuple(c.name for c in table.columns)
        return self._prepare(self._insert(table), *names)

    def _locked(self, statement: Select[Any], *, wait: bool) -> Select[Any]:
        if not self.postgres:
            # The transaction holds the one write lock there is.
            return statement
        return statement.order_by(t.tasks.c.id).with_for_update(nowait=not wait)

    def _tasks(self) -> None:
        columns = [t.tasks.c[name] for name in TASK_COLUMNS]
        wanted = and_(
            t.tasks.c.project == bindparam("project"),
            among_texts(t.tasks.c.id, "ids", postgres=self.postgres),
        )
        self._select_tasks, self._select_tasks_at_once = (
            self._prepare(self._locked(select(*columns).where(wanted), wait=wait), "project", "ids")
            for wait in (True, False)
        )
        self.insert_tasks = self._prepare(self._insert(t.tasks), *TASK_COLUMNS)
        keyed = t.tasks.c.pk == bindparam("key")
        rest = tuple(name for name in TASK_COLUMNS if name not in ("pk", "project", "id"))
        self.changed_columns = rest
        self.update_tasks = self._prepare(
            update(t.tasks).where(keyed).values({n: bindparam(n) for n in rest}), *rest, "key"
        )
        self.progress_tasks = self._prepare(
            update(t.tasks).where(keyed).values({n: bindparam(n) for n in PROGRESS_COLUMNS}),
            *PROGRESS_COLUMNS,
            "key",
        )
        self.move_tasks = self._prepare(
            update(t.tasks).where(keyed).values({n: bindparam(n) for n in MOVED_COLUMNS}),
            *MOVED_COLUMNS,
            "key",
        )
        edges = t.edges
        self.select_inputs_with_dependents = self._prepare(
            select(edges.c.input_id)
            .where(
                edges.c.project == bindparam("project"),
                among_texts(edges.c.input_id, "ids", postgres=self.postgres),
            )
            .distinct(),
            "project",
            "ids",
        )
        self._select_dependents = self._prepare(
            select(edges.c.input_id, t.tasks.c.id)
            .join(t.tasks, edges.c.task_pk == t.tasks.c.pk)
            .where(
                edges.c.project == bindparam("project"),
                among_texts(edges.c.input_id, "ids", postgres=self.postgres),
            )
            .order_by(edges.c.task_pk),
            "project",
            "ids",
        )
        self.delete_waits = self._prepare(
            delete(edges).where(
                edges.c.project == bindparam("project"), edges.c.input_id == bindparam("input_id")
            ),
            "project",
            "input_id",
        )
        self.insert_edges = self._insert_all(edges)
        self.insert_labels = self._insert_all(t.labels)

    def _details(self) -> None:
        self.insert_details = self._insert_all(t.details)
        self.select_details = self._prepare(
            select(*t.details.columns).where(
                among_keys(t.details.c.task_pk, "keys", postgres=self.postgres)
            ),
            "keys",
        )
        rest = [n for n in DETAIL_COLUMNS if n not in ("task_pk", "trace")]
        self.update_details = self._prepare(
            update(t.details)
            .where(t.details.c.task_pk == bindparam("key"))
            .values({n: bindparam(n) for n in rest}),
            *rest,
            "key",
        )
        self.select_metadata = self._prepare(
            select(t.details.c.task_pk, t.details.c.metadata, t.details.c.metadata_marks).where(
                among_keys(t.details.c.task_pk, "keys", postgres=self.postgres)
            ),
            "keys",
        )
        self.update_metadata = self._prepare(
            update(t.details)
            .where(t.details.c.task_pk == bindparam("key"))
            .values({n: bindparam(n) for n in ("metadata", "metadata_marks")}),
            "metadata",
            "metadata_marks",
            "key",
        )

    def _parts(self) -> None:
        self.upsert_results = self._prepare(
            _by_rank(
                self._insert(t.results), t.results, "type", "data", "files", "id", "created_at"
            ),
            *RESULT_COLUMNS,
        )
        self.select_late_results = self._prepare(
            select(t.results.c.name, t.results.c.type, t.results.c.data, t.results.c.files).where(
                t.results.c.task_pk == bindparam("task_pk"),
                t.results.c.late_mark == bindparam("late_mark"),
            ),
            "task_pk",
            "late_mark",
        )
        shard_columns = [t.shards.c[name] for name in SHARD_COLUMNS]
        self.select_shards = self._prepare(
            select(*shard_columns).where(t.shards.c.task_pk == bindparam("task_pk")), "task_pk"
        )
        shard = self._insert(t.shards)
        self.upsert_shards = self._prepare(
            shard.on_conflict_do_update(
                index_elements=["task_pk", "index"],
                set_={
                    n: shard.excluded[n] for n in SHARD_COLUMNS if n not in ("index", "created_at")
                },
            ),
            "task_pk",
            *SHARD_COLUMNS,
        )
        self.upsert_shard_results = self._prepare(
            _by_rank(self._insert(t.shard_results), t.shard_results, "data"),
            *(c.name for c in t.shard_results.columns),
        )
        attempt = self._insert(t.attempts)
        self.insert_attempts = self._prepare(
            attempt.on_conflict_do_nothing(), *(c.name for c in t.attempts.columns)
        )
        self._clearing = [
            self._prepare(delete(table).where(table.c.task_pk == bindparam("task_pk")), "task_pk")
            for table in (
                t.details,
                t.results,
                t.shards,
                t.shard_results,
                t.attempts,
                t.leases,
                t.slots,
                t.submissions,
                t.edges,
                t.labels,
            )
        ]
        self.delete_labels = self._clearing[-1]
        self._removals()

    def _removals(self) -> None:
        self.delete_events = self._prepare(
            delete(t.events).where(among_keys(t.events.c.task_pk, "keys", postgres=self.postgres)),
            "keys",
        )
        heads = self._insert(t.heads)
        self.add_to_head = self._prepare(
            heads.on_conflict_do_update(
                index_elements=["name"], set_={"value": t.heads.c.value + heads.excluded.value}
            ),
            "name",
            "value",
        )
        self.delete_tasks = self._prepare(
            delete(t.tasks).where(t.tasks.c.pk == bindparam("key")), "key"
        )

    def forget(self, connection: Connection, count: int) -> None:
        """Note that so many events went with their tasks; under the feed lock."""
        if count:
            self.add_to_head.many(connection, [(FORGOTTEN, count)])

    def clear_parts(self, connection: Connection, keys: Sequence[int]) -> None:
        """Remove everything that hangs on these tasks, but for their events."""
        for statement in self._clearing:
            statement.many(connection, [(key,) for key in keys])

    def _log(self) -> None:
        e = t.events
        self.insert_events = self._prepare(self._insert(e), *EVENT_COLUMNS)
        self.select_seen = self._prepare(
            self._seen(), *(("pairs", "pairs_2") if self.postgres else ("pairs",))
        )
        self.select_timeline = self._prepare(
            select(e.c.type, e.c.mark, e.c.fact)
            .where(
                e.c.task_pk == bindparam("task_pk"),
                e.c.fact.is_not(None),
            )
            .order_by(e.c.position),
            "task_pk",
        )
        self.select_late_reports = self._prepare(
            select(e.c.position, e.c.attempt, e.c.mark, e.c.fact)
            .where(e.c.task_pk == bindparam("task_pk"), e.c.verdict == "late")
            .order_by(e.c.position.desc()),
            "task_pk",
        )
        heads = t.heads
        self.advance_head = self._prepare(
            update(heads)
            .where(heads.c.name == bindparam("head"))
            .values(value=heads.c.value + bindparam("count"))
            .returning(heads.c.value),
            "count",
            "head",
        )

    def _seen(self) -> ClauseElement:
        key, dedup = pairs_of_keys("pairs", postgres=self.postgres)
        return select(t.events.c.task_pk, t.events.c.dedup).where(
            t.events.c.task_pk == key, t.events.c.dedup == dedup
        )

    def _sums(self) -> None:
        self.add_counters = self._adding(t.counters)
        self.add_job_counters = self._adding(t.job_counters)
        jobs = self._insert(t.jobs)
        self.insert_jobs = self._prepare(
            jobs.on_conflict_do_nothing(), *(c.name for c in t.jobs.columns)
        )
        i = t.idempotency
        self.select_idempotency = self._prepare(
            select(i.c.fingerprint, i.c.status, i.c.body).where(
                i.c.project == bindparam("project"), i.c.key == bindparam("key_")
            ),
            "project",
            "key_",
        )
        self.insert_idempotency = self._insert_all(i)
        old = i.alias("old")
        oldest = (
            select(old.c.project, old.c.key)
            .where(old.c.created_at < bindparam("before"))
            .order_by(old.c.created_at)
            .limit(PRUNED_AT_ONCE)
        )
        self.prune_idempotency = self._prepare(
            delete(i).where(tuple_(i.c.project, i.c.key).in_(oldest)), "before"
        )

    def _adding(self, table: Table) -> Prepared:
        insert = self._insert(table)
        return self._prepare(
            insert.on_conflict_do_update(
                index_elements=[c.name for c in table.primary_key.columns],
                set_={"tasks": table.c.tasks + insert.excluded.tasks},
            ),
            *(c.name for c in table.columns),
        )

    def tasks_of(
        self, connection: Connection, project: str, ids: Sequence[str], *, wait: bool
    ) -> Sequence[Any]:
        """The rows of the tasks with these ids, locked until the end of the transaction.

        Without `wait` it fails at once when another transaction has locked one of them.
        """
        wanted = list_parameter(sorted(ids), postgres=self.postgres)
        select_tasks = self._select_tasks if wait else self._select_tasks_at_once
        return select_tasks.all(connection, (project, wanted))

    def dependents_of(
        self, connection: Connection, project: str, ids: Sequence[str]
    ) -> Sequence[tuple[str, str]]:
        """Who waits for these inputs: (input id, id of the task that waits)."""
        wanted = list_parameter(ids, postgres=self.postgres)
        return self._select_dependents.all(connection, (project, wanted))

    def dependents_among(
        self, connection: Connection, project: str, ids: Sequence[str]
    ) -> set[str]:
        """Those of these ids that are inputs of some task."""
        wanted = list_parameter(ids, postgres=self.postgres)
        return {
            row[0] for row in self.select_inputs_with_dependents.all(connection, (project, wanted))
        }

    def seen(
        self, connection: Connection, pairs: Sequence[tuple[int, int]]
    ) -> set[tuple[int, int]]:
        """Those of these (task key, dedup number) pairs that are in the log."""
        given = pairs_parameter(pairs, postgres=self.postgres)
        return {(row[0], row[1]) for row in self.select_seen.all(connection, given)}


def _by_rank(insert: Any, table: Table, *columns: str) -> Any:
    """Insert, or replace what has a smaller rank."""
    return insert.on_conflict_do_update(
        index_elements=[c.name for c in table.primary_key.columns],
        set_={"rank": insert.excluded.rank, **{name: insert.excluded[name] for name in columns}},
        where=table.c.rank < insert.excluded.rank,
    )


__all__ = ["DETAIL_COLUMNS", "EVENT_COLUMNS", "FORGOTTEN", "RESULT_COLUMNS", "Statements"]
