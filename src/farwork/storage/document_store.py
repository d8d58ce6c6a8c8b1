"""Documents: records of a foreign protocol that the core does not understand, in their table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, select, update

from farwork.domain.errors import NotFound, Refused, VersionMismatch
from farwork.domain.values import Instant, Json
from farwork.storage import tables as t
from farwork.storage.json import decode_text, encode_text


class DocumentNotFound(NotFound):
    """There is no such record."""

    code = "document_not_found"


class NameTaken(Refused):
    """Another record has this name."""

    code = "name_taken"


@dataclass(slots=True, kw_only=True)
class Document:
    """A document; `name` is its own within its kind, `parent_id` the id of what it hangs on."""

    project: str
    dialect: str
    kind: str
    id: str
    name: str | None = None
    parent_id: str | None = None
    body: dict[str, Json]
    creator: str | None
    created_at: Instant
    updated_at: Instant
    version: int = 1


_d = t.documents.c
_NAMES = tuple(Document.__slots__)
_COLUMNS = tuple(_d[name] for name in _NAMES)


def _from(row: Row[*tuple[object, ...]]) -> Document:
    values = dict(zip(_NAMES, row, strict=True))
    values["body"] = decode_text(str(values["body"]))
    return Document(**values)  # pyright: ignore[reportArgumentType] - the columns are typed in the tables


def _row(document: Document) -> dict[str, Json]:
    values = {name: getattr(document, name) for name in _NAMES}
    return values | {"body": encode_text(document.body)}


def get(
    connection: Connection, project: str, dialect: str, kinds: Sequence[str], document_id: str
) -> Document | None:
    """The document of one of these kinds with this id."""
    row = connection.execute(
        select(*_COLUMNS).where(
            _d.project == project,
            _d.dialect == dialect,
            _d.kind.in_(kinds),
            _d.id == document_id,
        )
    ).first()
    return None if row is None else _from(row)


def named(
    connection: Connection, project: str, dialect: str, kind: str, name: str
) -> Document | None:
    """The document of this kind with this name."""
    row = connection.execute(
        select(*_COLUMNS).where(
            _d.project == project, _d.dialect == dialect, _d.kind == kind, _d.name == name
        )
    ).one_or_none()
    return None if row is None else _from(row)


def every(connection: Connection, project: str, dialect: str, kind: str) -> list[Document]:
    """All documents of a kind, oldest first."""
    rows = connection.execute(
        select(*_COLUMNS)
        .where(_d.project == project, _d.dialect == dialect, _d.kind == kind)
        .order_by(_d.created_at, _d.id)
    )
    return [_from(row) for row in rows]


def under(
    connection: Connection, project: str, dialect: str, kind: str, parents: Sequence[str]
) -> list[Document]:
    """The documents of a kind that hang on one of these, oldest first."""
    if not parents:
        return []
    rows = connection.execute(
        select(*_COLUMNS)
        .where(
            _d.project == project,
            _d.dialect == dialect,
            _d.kind == kind,
            _d.parent_id.in_(parents),
        )
        .order_by(_d.created_at, _d.id)
    )
    return [_from(row) for row in rows]


def add(connection: Connection, document: Document) -> Document:
    """Keep a new document. Raises `NameTaken`.

    Documents of one kind are made one after the other in time, so that they have an order: one that
    would be as old as the last is made a microsecond younger.
    """
    _refuse_taken_name(connection, document, new=True)
    last: Instant | None = connection.execute(
        select(func.max(_d.created_at)).where(
            _d.project == document.project,
            _d.dialect == document.dialect,
            _d.kind == document.kind,
        )
    ).scalar_one()
    at = max(document.created_at, 0 if last is None else last + 1)
    kept = replace(document, created_at=at, updated_at=max(document.updated_at, at))
    connection.execute(t.documents.insert().values(_row(kept)))
    return kept


def change(
    connection: Connection, document: Document, now: Instant, if_version: int | None = None
) -> Document:
    """Replace a document's name, parent and body.

    Raises `DocumentNotFound`, `VersionMismatch`, `NameTaken`.
    """
    before = get(connection, document.project, document.dialect, [document.kind], document.id)
    if before is None:
        raise DocumentNotFound(f"There is no {document.kind} {document.id!r} in this project.")
    if if_version not in (None, before.version):
        raise VersionMismatch(
            f"The {document.kind} has version {before.version}, not {if_version}; read it again."
        )
    if document.name != before.name:
        _refuse_taken_name(connection, document, new=False)
    after = replace(
        before,
        name=document.name,
        parent_id=document.parent_id,
        body=document.body,
        updated_at=max(now, before.updated_at + 1),
        version=before.version + 1,
    )
    connection.execute(update(t.documents).where(_here(after)).values(_row(after)))
    return after


def _refuse_taken_name(connection: Connection, document: Document, *, new: bool) -> None:
    if document.name is None:
        return
    other = named(connection, document.project, document.dialect, document.kind, document.name)
    if other is not None and (new or other.id != document.id):
        raise NameTaken(f"Another {document.kind} is called {document.name!r}.")


def remove(
    connection: Connection, project: str, dialect: str, kind: str, ids: Sequence[str]
) -> None:
    """Remove documents; one that is not there is no matter."""
    if ids:
        connection.execute(
            delete(t.documents).where(
                _d.project == project, _d.dialect == dialect, _d.kind == kind, _d.id.in_(ids)
            )
        )


def remove_under(
    connection: Connection, project: str, dialect: str, kind: str, parents: Sequence[str]
) -> None:
    """Remove the documents of a kind that hang on one of these."""
    if parents:
        connection.execute(
            delete(t.documents).where(
                _d.project == project,
                _d.dialect == dialect,
                _d.kind == kind,
                _d.parent_id.in_(parents),
            )
        )


def _here(document: Document) -> ColumnElement[bool]:
    return and_(
        _d.project == document.project,
        _d.dialect == document.dialect,
        _d.kind == document.kind,
        _d.id == document.id,
    )
