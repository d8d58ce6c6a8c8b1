"""Rules of retention in their table, and the tasks whose time has come by them."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from farwork.domain.retention import Rule, Rules
from farwork.domain.values import FINAL_STATES, Instant
from farwork.storage import tables as t
from farwork.storage.engine import is_postgresql

_r = t.retention.c
_KEY = ("project", "kind", "state")
_COLUMNS = tuple(Rule.__slots__)


def every(connection: Connection, project: str) -> list[Rule]:
    """The rules of a project, by kind and state."""
    rows = connection.execute(
        select(*(_r[name] for name in _COLUMNS))
        .where(_r.project == project)
        .order_by(_r.kind, _r.state)
    )
    return [Rule(*row) for row in rows]


def rules(connection: Connection, project: str) -> Rules:
    """The rules of a project, to be asked about its tasks."""
    return Rules(every(connection, project))


def projects(connection: Connection) -> list[str]:
    """The projects that have rules."""
    return list(connection.execute(select(_r.project).distinct().order_by(_r.project)).scalars())


def put(connection: Connection, project: str, rule: Rule) -> None:
    """Keep a rule, in place of any about the same kind and state."""
    insert = postgresql.insert if is_postgresql(connection) else sqlite.insert
    values = {"project": project} | {name: getattr(rule, name) for name in _COLUMNS}
    changed = {name: value for name, value in values.items() if name not in _KEY}
    connection.execute(
        insert(t.retention).values(values).on_conflict_do_update(index_elements=_KEY, set_=changed)
    )


def remove(connection: Connection, project: str, kind: str, state: str) -> bool:
    """Forget a rule; whether there was one."""
    here = (_r.project == project, _r.kind == kind, _r.state == state)
    return connection.execute(delete(t.retention).where(*here)).rowcount > 0


def groups(connection: Connection, project: str) -> list[tuple[str, str]]:
    """The kinds and states in which there are tasks that have ended, from the counters."""
    c = t.counters.c
    final = [state.value for state in FINAL_STATES]
    rows = connection.execute(
        select(c.kind, c.state)
        .where(c.project == project, c.state.in_(final), c.tasks > 0)
        .distinct()
        .order_by(c.kind, c.state)
    )
    return [(kind, state) for kind, state in rows]


def to_archive(
    connection: Connection, project: str, group: tuple[str, str], until: Instant, limit: int
) -> list[str]:
    """Tasks of a kind and state that were not changed after `until` and are not archived.

    One that was brought back from the archive by hand stays.
    """
    c = t.tasks.c
    there = (c.archived_at.is_(None), c.restored_at.is_(None))
    return _ended(connection, project, group, until, there, limit)


def to_delete(
    connection: Connection, project: str, group: tuple[str, str], until: Instant, limit: int
) -> list[str]:
    """Tasks of a kind and state that were not changed after `until` and are not held."""
    there = (t.tasks.c.legal_hold.is_(None),)
    return _ended(connection, project, group, until, there, limit)


def _ended(
    connection: Connection,
    project: str,
    group: tuple[str, str],
    until: Instant,
    there: Sequence[ColumnElement[bool]],
    limit: int,
) -> list[str]:
    c = t.tasks.c
    rows = connection.execute(
        select(c.id)
        .where(
            c.project == project,
            c.kind == group[0],
            c.state == group[1],
            c.updated_at <= until,
            c.completed_at.is_not(None),
            *there,
        )
        .order_by(c.updated_at, c.pk)
        .limit(limit)
    )
    return list(rows.scalars())
