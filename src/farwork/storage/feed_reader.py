"""Reading the change feed by filters, page by page, with a bound on what one page looks through."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from farwork.storage import event_reader
from farwork.storage import tables as t
from farwork.storage.event_reader import EVENTS, EventRecord, record_of
from farwork.storage.json import decode_text

SCANNED_MAX = 2_000
"""So many events one page looks through at most, however few of them are meant."""


@dataclass(slots=True, frozen=True)
class FeedFilter:
    """Which events are meant. Several values of one kind: any of them; none: whatever it is."""

    types: Collection[str] = ()
    tasks: Collection[str] = ()
    jobs: Collection[str] = ()
    kinds: Collection[str] = ()
    queues: Collection[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def passes_all(self) -> bool:
        """Whether every event is meant."""
        return not (
            self.types or self.tasks or self.jobs or self.kinds or self.queues or self.labels
        )

    def means(self, event: EventRecord) -> bool:
        """Whether this event is meant."""
        return (not self.types or event.type in self.types) and self.fits(
            task_id=event.task_id,
            job_id=event.job_id,
            kind=event.kind,
            queue=event.queue,
            labels=event.labels,
        )

    def fits(
        self,
        *,
        task_id: str | None,
        job_id: str | None,
        kind: str | None,
        queue: str | None,
        labels: str | None,
    ) -> bool:
        """Whether what an event is about is meant; `labels` is their text (None: not known)."""
        for values, value in (
            (self.tasks, task_id),
            (self.jobs, job_id),
            (self.kinds, kind),
            (self.queues, queue),
        ):
            if values and value not in values:
                return False
        return not self.labels or _is_labelled(labels, self.labels)


@dataclass(slots=True)
class FeedPage:
    """Events, and the position up to which the log has been looked through."""

    items: list[EventRecord]
    next_after: int


_e, _t = t.events.c, t.tasks.c
_SCAN = select(
    _e.position, _e.type, _e.subject, _e.data, _t.id, _t.kind, _t.queue, _t.job_id, _t.labels
).select_from(t.events.outerjoin(t.tasks, _t.pk == _e.task_pk))


def page(
    connection: Connection, project: str, *, after: int, limit: int, wanted: FeedFilter
) -> FeedPage:
    """What is meant of a project's events behind `after`, oldest first."""
    last = event_reader.head(connection)
    behind = (_e.project == project, _e.position > after, _e.position <= last)
    if wanted.passes_all:
        rows = connection.execute(EVENTS.where(*behind).order_by(_e.position).limit(limit))
        items = [record_of(row) for row in rows]
        return FeedPage(items, items[-1].position if len(items) == limit else max(last, after))
    scanned = connection.execute(
        _SCAN.where(*behind).order_by(_e.position).limit(SCANNED_MAX)
    ).all()
    meant = [row.position for row in scanned if _is_meant(row, wanted)][:limit]
    items = _at(connection, meant)
    if len(meant) == limit:
        return FeedPage(items, meant[-1])
    if len(scanned) == SCANNED_MAX:
        return FeedPage(items, scanned[-1].position)
    return FeedPage(items, max(last, after))


def _at(connection: Connection, positions: Sequence[int]) -> list[EventRecord]:
    if not positions:
        return []
    rows = connection.execute(EVENTS.where(_e.position.in_(positions)).order_by(_e.position))
    return [record_of(row) for row in rows]


def _is_meant(row: Any, wanted: FeedFilter) -> bool:
    if wanted.types and row.type not in wanted.types:
        return False
    # What is known of a task that is gone stands in the event that says so.
    gone: dict[str, Any] = {} if row.id is not None or row.data is None else decode_text(row.data)
    of_job = row.type.startswith("job.")
    of_task = not of_job and not row.type.startswith("hook.")
    return wanted.fits(
        task_id=(row.id or row.subject) if of_task else None,
        job_id=row.subject if of_job else row.job_id or gone.get("job_id"),
        kind=row.kind or gone.get("kind"),
        queue=row.queue or gone.get("queue"),
        labels=row.labels,
    )


def _is_labelled(text: str | None, wanted: Mapping[str, str]) -> bool:
    labels: dict[str, str] = {} if text is None else decode_text(text)
    return all(labels.get(key) == value for key, value in wanted.items())


def of_task(
    connection: Connection, key: int, *, after: int | None, limit: int, descending: bool
) -> list[EventRecord]:
    """The events of a task behind (descending: before) position `after`."""
    statement = EVENTS.where(_e.task_pk == key)
    if after is not None:
        statement = statement.where(_e.position < after if descending else _e.position > after)
    order = _e.position.desc() if descending else _e.position
    return [record_of(row) for row in connection.execute(statement.order_by(order).limit(limit))]


def touched(connection: Connection, after: int, limit: int) -> list[tuple[int, str, str]]:
    """Which tasks events behind `after` are about: (position, project, task id), all projects."""
    rows = connection.execute(
        select(_e.position, _e.project, _t.id, _e.subject)
        .select_from(t.events.outerjoin(t.tasks, _t.pk == _e.task_pk))
        .where(_e.position > after)
        .order_by(_e.position)
        .limit(limit)
    )
    return [(row[0], row[1], row[2] or row[3] or "") for row in rows]
