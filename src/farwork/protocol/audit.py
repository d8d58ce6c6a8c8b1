"""The audit trail on the wire."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from farwork.protocol.queries import PageQuery, Word


class AuditQuery(PageQuery, forbid_unknown_fields=True):
    """Which rows, and which page of them; all that are given must hold."""

    project: Word | None = None
    actor: Annotated[Word, Meta(description="`user:ada`, `key:<id>`, `cli:root`.")] | None = None
    action: (
        Annotated[Word, Meta(description="`key.revoke`, or a family of them: `key.*`.")] | None
    ) = None
    target: Annotated[Word, Meta(description="`task:t-1`, `user:ada`, `key:<id>`.")] | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditRow(Struct):
    """Who did what to what, when, and from where."""

    id: str
    at: datetime
    project: str
    actor: str
    action: str
    target: str | None
    address: str | None
    details: dict[str, Any]


class AuditPage(Struct):
    """A page of the trail, newest first."""

    items: list[AuditRow]
    next_cursor: str | None
