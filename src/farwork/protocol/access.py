"""API keys and projects on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from farwork.protocol.reports import ShortText

RoleName = Literal["viewer", "worker", "operator", "admin"]
UnknownTasks = Annotated[
    Literal["register", "reject"],
    Meta(description="What becomes of a report about an unknown task."),
]
ProjectId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=63,
        pattern=r"^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$(?!\n)",
        description="Small letters, digits, and between them `.`, `_` and `-`.",
        extra={"rule": "must be small letters and digits, with . _ - between them"},
    ),
]


class RateLimit(Struct, forbid_unknown_fields=True):
    """So many requests in so many seconds."""

    requests: Annotated[int, Meta(ge=1, le=10**9)]
    seconds: Annotated[int, Meta(ge=1, le=86_400)]


class KeyCreate(Struct, forbid_unknown_fields=True):
    """An API key to make; for another project only by an admin of the default project."""

    role: RoleName
    name: ShortText | None = None
    project: ProjectId | None = None
    expires_at: datetime | None = None
    rate_limit: RateLimit | None = None


class KeyOut(Struct, kw_only=True):
    """An API key, without its text."""

    id: str
    project: str
    name: str | None
    role: RoleName
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: Annotated[datetime | None, Meta(description="To the minute.")]
    last_used_from: str | None
    rate_limit: Annotated[RateLimit | None, Meta(description="Null: the server's default.")]


class KeyMade(KeyOut, kw_only=True):
    """A new API key. Its text is given this once; null when the same request is made again."""

    key: str | None


class KeyList(Struct):
    """The API keys of a project, oldest first."""

    items: list[KeyOut]


class About(Struct):
    """Which server this is, and the last position of its change feed."""

    version: str
    auth: Annotated[Literal["on", "off"], Meta(description="Off: everybody here is admin.")]
    position: int


class ProjectCreate(Struct, forbid_unknown_fields=True):
    """A project to create."""

    id: ProjectId
    unknown_tasks: UnknownTasks = "register"


class ProjectPatch(Struct, forbid_unknown_fields=True):
    """What to change; left out: unchanged."""

    unknown_tasks: UnknownTasks | UnsetType = UNSET


class ProjectOut(Struct):
    """A project: the boundary of what a key can see."""

    id: str
    unknown_tasks: UnknownTasks
    created_at: datetime


class ProjectList(Struct):
    """Every project."""

    items: list[ProjectOut]
