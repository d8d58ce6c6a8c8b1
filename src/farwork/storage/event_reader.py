"""Reading the log: the events of a task, and the change feed of a project."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from farwork.domain.values import Instant, Json
from farwork.storage import tables as t
from farwork.storage.json import decode_text


@dataclass(slots=True)
class EventRecord:
    """One entry of the log as readers see it: about a task, a job or a hook."""

    position: int
    type: str
    at: Instant
    task_id: str | None
    attempt: int | None
    before: str | None
    after: str | None
    version: int | None
    actor: str | None
    source: str | None
    verdict: str | None
    reason: str | None
    report: Json
    data: Json
    kind: str | None
    queue: str | None
    job_id: str | None
    # The text of the labels that the task has by now; None: the task is gone, or it is a job.
    labels: str | None = None


_e, _t = t.events.c, t.tasks.c
_COLUMNS = (
    _e.position, _e.type, _e.at, _e.subject, _e.attempt, _e.before, _e.after, _e.version, _e.actor,
    _e.source, _e.verdict, _e.reason, _e.fact, _e.data, _t.id, _t.kind, _t.queue, _t.job_id,
    _t.labels,
)  # fmt: skip
EVENTS = select(*_COLUMNS).select_from(t.events.outerjoin(t.tasks, _t.pk == _e.task_pk))


def record_of(row: Any) -> EventRecord:
    """The entry of a row of `EVENTS`."""
    reported: str = row.fact if row.type == "task.reported" and row.fact else "null"
    text: str = row.data or "{}"
    data: dict[str, Json] = decode_text(text)
    task_id, job_id = row.id or row.subject, row.job_id or data.get("job_id")
    if row.type.startswith("job."):
        task_id, job_id = None, row.subject
    elif row.type.startswith("hook."):
        task_id = None
    return EventRecord(
        row.position, row.type, row.at, task_id, row.attempt, row.before, row.after, row.version,
        row.actor, row.source, row.verdict, row.reason, decode_text(reported),
        data or None, data.get("kind") if row.kind is None else row.kind,
        row.queue or data.get("queue"), job_id, row.labels,
    )  # fmt: skip


def of_task(connection: Connection, key: int, *, after: int, limit: int) -> list[EventRecord]:
    """The events of a task behind position `after`, oldest first."""
    rows = connection.execute(
        EVENTS.where(_e.task_pk == key, _e.position > after).order_by(_e.position).limit(limit)
    )
    return [record_of(row) for row in rows]


def feed(
    connection: Connection, project: str | None, *, after: int, limit: int
) -> list[EventRecord]:
    """The change feed behind position `after`, of one project (None: of all).

    All readers see it in the same order.
    """
    statement = EVENTS.where(_e.position > after)
    if project is not None:
        statement = statement.where(_e.project == project)
    return [
        record_of(row) for row in connection.execute(statement.order_by(_e.position).limit(limit))
    ]


def head(connection: Connection) -> int:
    """The last position that was given out."""
    return connection.execute(select(t.heads.c.value).where(t.heads.c.name == "feed")).scalar_one()


def count(connection: Connection) -> int:
    """How many events the log holds."""
    return connection.execute(select(func.count()).select_from(t.events)).scalar_one()
