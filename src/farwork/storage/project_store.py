"""Projects in their table."""

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from farwork.domain.values import Instant
from farwork.storage import tables as t


@dataclass(slots=True)
class ProjectRow:
    """A project, and what it does with reports about unknown tasks: `register` or `reject`."""

    id: str
    unknown_tasks: str
    created_at: Instant


_COLUMNS = tuple(t.projects.c[name] for name in ProjectRow.__slots__)
_p = t.projects.c


def get(connection: Connection, project: str) -> ProjectRow | None:
    """The project with this id."""
    row = connection.execute(select(*_COLUMNS).where(_p.id == project)).one_or_none()
    return None if row is None else ProjectRow(*row)


def every(connection: Connection) -> list[ProjectRow]:
    """All projects by id."""
    return [ProjectRow(*row) for row in connection.execute(select(*_COLUMNS).order_by(_p.id))]


def add(connection: Connection, project: ProjectRow) -> bool:
    """Keep a project; False when one has its id."""
    if get(connection, project.id) is not None:
        return False
    values = {name: getattr(project, name) for name in ProjectRow.__slots__}
    connection.execute(t.projects.insert().values(values))
    return True


def set_policy(connection: Connection, project: str, unknown_tasks: str) -> None:
    """Say what a project does with reports about unknown tasks."""
    connection.execute(
        update(t.projects).where(_p.id == project).values(unknown_tasks=unknown_tasks)
    )
