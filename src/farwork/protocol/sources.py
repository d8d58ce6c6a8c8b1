"""Sources of signed webhooks on the wire."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct


class SourceCreate(Struct, forbid_unknown_fields=True):
    """A source to register. The name is what the log calls it; a successor may have the same."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^(?![\s\S]*[\x00-\x1f\x7f])")]


class SourceOut(Struct, kw_only=True):
    """A source; once revoked, what it signs is refused."""

    id: str
    project: str
    name: str
    created_at: datetime
    revoked_at: datetime | None


class SourceCreated(SourceOut, kw_only=True):
    """A new source with its secret, which is shown this once."""

    secret: str


class SourcePage(Struct):
    """A page of a list; `next_cursor` null: the end."""

    items: list[SourceOut]
    next_cursor: str | None
