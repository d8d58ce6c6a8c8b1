"""Hooks in their table."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from farwork.domain.errors import NotFound, VersionMismatch
from farwork.domain.events import EventType
from farwork.domain.values import Instant, Json, TaskState
from farwork.storage import tables as t
from farwork.storage.event_reader import EventRecord
from farwork.storage.feed_reader import FeedFilter
from farwork.storage.flush import lock_feed, take_positions, wake
from farwork.storage.json import encode_text
from farwork.storage.statements import EVENT_COLUMNS, Statements

_h = t.hooks.c
CALLBACKS = "callbacks"
"""The head up to which events have been looked through for those that are called back."""


class HookNotFound(NotFound):
    """There is no such hook."""

    code = "hook_not_found"


@dataclass(slots=True)
class HookRow:
    """A hook as it is kept; secrets stay out of its text, so that no log can show them."""

    id: str
    project: str
    name: str | None
    url: str
    format: str
    wanted: str
    secret: bytes | None = field(repr=False)
    position: int
    creator: str | None
    created_at: Instant
    updated_at: Instant
    old_secret: bytes | None = field(default=None, repr=False)
    old_secret_until: Instant | None = None
    token: str | None = field(default=None, repr=False)
    task_pk: int | None = None
    state: str = "active"
    reason: str | None = None
    failures: int = 0
    failing_since: Instant | None = None
    probe_at: Instant | None = None
    last_error: str | None = None
    version: int = 1

    @property
    def filter(self) -> "HookFilter":
        """Which events are meant."""
        return filter_from(self.wanted)

    def signs_with_old(self, now: Instant) -> bool:
        """Whether the secret before this one signs too."""
        return self.old_secret is not None and now < (self.old_secret_until or 0)


_NAMES = tuple(f.name for f in fields(HookRow))
_COLUMNS = tuple(t.hooks.c[name] for name in _NAMES)


class _Wanted(msgspec.Struct, omit_defaults=True):
    types: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()
    jobs: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()
    labels: dict[str, str] = {}
    on: str = "all"


_decoder = msgspec.json.Decoder(_Wanted)


@dataclass(slots=True, frozen=True)
class HookFilter:
    """Which events are meant: those of a feed filter that change as much as is wanted."""

    feed: FeedFilter
    on: str = "all"

    def means(self, event: EventRecord) -> bool:
        """Whether this event is meant."""
        if self.on != "all":
            if event.after is None or event.after == event.before:
                return False
            if self.on == "end" and not TaskState(event.after).is_final:
                return False
        return self.feed.means(event)


def filter_from(text: str) -> HookFilter:
    """The filter that was kept as this text."""
    said = _decoder.decode(text)
    feed = FeedFilter(said.types, said.tasks, said.jobs, said.kinds, said.queues, said.labels)
    return HookFilter(feed, said.on)


def row_of(hook: HookRow) -> dict[str, Any]:
    """The values of a hook's row by name."""
    return {name: getattr(hook, name) for name in _NAMES}


def add(connection: Connection, hook: HookRow) -> None:
    """Keep a new hook."""
    connection.execute(t.hooks.insert().values(row_of(hook)))


def count(connection: Connection, project: str) -> int:
    """How many hooks a project has, callbacks of tasks left out."""
    statement = select(func.count()).where(_h.project == project, _h.task_pk.is_(None))
    return connection.execute(statement).scalar_one()


def get(connection: Connection, project: str, hook_id: str) -> HookRow | None:
    """The hook with this id, a callback too."""
    found = connection.execute(
        select(*_COLUMNS).where(_h.id == hook_id, _h.project == project)
    ).one_or_none()
    return None if found is None else HookRow(*found)


def present(connection: Connection, project: str, hook_id: str) -> HookRow:
    """The hook with this id. Raises `HookNotFound`."""
    found = get(connection, project, hook_id)
    if found is None:
        raise HookNotFound(f"There is no hook {hook_id!r} in this project.")
    return found


def of_ids(connection: Connection, ids: Sequence[str]) -> list[HookRow]:
    """Those of these hooks that are there."""
    return [
        HookRow(*row) for row in connection.execute(select(*_COLUMNS).where(_h.id.in_(list(ids))))
    ]


def page(connection: Connection, project: str, *, after: str, limit: int) -> list[HookRow]:
    """The hooks of a project behind id `after`, oldest first; callbacks of tasks left out."""
    statement = (
        select(*_COLUMNS)
        .where(_h.project == project, _h.task_pk.is_(None), _h.id > after)
        .order_by(_h.id)
        .limit(limit)
    )
    return [HookRow(*row) for row in connection.execute(statement)]


def of_task(connection: Connection, task_pk: int) -> HookRow | None:
    """The callback of a task."""
    found = connection.execute(select(*_COLUMNS).where(_h.task_pk == task_pk)).one_or_none()
    return None if found is None else HookRow(*found)


def any_there(connection: Connection) -> bool:
    """Whether there is any hook."""
    return connection.execute(select(_h.id).limit(1)).first() is not None


def active(connection: Connection) -> list[HookRow]:
    """The hooks of all projects that are told of events, callbacks of tasks left out."""
    statement = select(*_COLUMNS).where(_h.task_pk.is_(None), _h.state == "active")
    return [HookRow(*row) for row in connection.execute(statement.order_by(_h.id))]


def changed_since(connection: Connection, at: Instant) -> list[tuple[str, Instant]]:
    """The ids of hooks that were changed at or after an instant, and when each was."""
    found = connection.execute(select(_h.id, _h.updated_at).where(_h.updated_at >= at))
    return [(row[0], row[1]) for row in found]


def change(
    connection: Connection,
    hook: HookRow,
    values: dict[str, Any],
    *,
    at: Instant,
    if_version: int | None = None,
) -> HookRow:
    """Change a hook that was read in this transaction. Raises `VersionMismatch`."""
    if if_version not in (None, hook.version):
        raise VersionMismatch(
            f"The hook has version {hook.version}, not {if_version}; read it again."
        )
    said = values | {"updated_at": max(at, hook.updated_at + 1), "version": hook.version + 1}
    connection.execute(update(t.hooks).where(_h.id == hook.id).values(said))
    return present(connection, hook.project, hook.id)


def note(connection: Connection, hook_id: str, values: dict[str, Any]) -> None:
    """Keep what sending has shown of a hook; that is no change of the hook itself."""
    connection.execute(update(t.hooks).where(_h.id == hook_id).values(values))


def remove(connection: Connection, hook_id: str) -> None:
    """Remove a hook with all that it was or was to be sent."""
    connection.execute(delete(t.deliveries).where(t.deliveries.c.hook_id == hook_id))
    connection.execute(delete(t.hooks).where(_h.id == hook_id))


def tell(
    connection: Connection,
    statements: Statements,
    kind: EventType,
    hook: HookRow,
    at: Instant,
    data: dict[str, Json],
) -> int:
    """Tell the feed of what became of a hook; the feed's new head."""
    lock_feed(connection, statements)
    position = take_positions(connection, statements, 1)
    said: dict[str, Any] = {
        "position": position,
        "project": hook.project,
        "subject": hook.id,
        "type": kind.value,
        "at": at,
        "reason": data.get("reason"),
        "data": encode_text({"hook_id": hook.id} | data),
    }
    statements.insert_events.many(connection, [tuple(said.get(name) for name in EVENT_COLUMNS)])
    wake(connection, statements)
    return position
