"""Bulk operations on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from farwork.protocol.queries import Archived, TaskFilterQuery
from farwork.protocol.reports import Id, ShortText

IDS_MAX = 100_000
SAMPLE_MAX = 20

Verb = Literal["archive", "restore", "delete", "cancel", "retry", "submit"]


class Selection(TaskFilterQuery, forbid_unknown_fields=True, omit_defaults=True):
    """Which tasks, in the words of the list of tasks. Several values of one kind: any of them."""

    job_id: Id | None = None
    archived: Annotated[  # pyright: ignore[reportIncompatibleVariableOverride] - the verb decides
        Archived | None, Meta(description="Default: `true` for restore, else `false`.")
    ] = None


class BulkIn(Struct, forbid_unknown_fields=True):
    """One verb for many tasks: those with these ids, or those that a filter means.

    An empty filter means every task of the project, which must be said with `all`. With `dry_run`
    nothing changes: the answer tells how many tasks are meant, and some of their ids.
    """

    verb: Verb
    ids: Annotated[list[Id], Meta(min_length=1, max_length=IDS_MAX)] | None = None
    filter: Selection | None = None
    all: bool = False
    dry_run: bool = False
    reason: Annotated[ShortText, Meta(description="Why; for cancel.")] | None = None


class BulkPreview(Struct):
    """What a bulk operation would be about: how many tasks, and the ids of some."""

    verb: Verb
    total: int
    sample: list[str]
    dry_run: bool = True


class BulkRefusal(Struct):
    """A task that was left as it is, and why."""

    id: str
    code: str
    detail: str


class OperationOut(Struct):
    """A bulk operation. `done` and `refused` grow to `total`; the first 100 refusals are listed.

    `failed`: it could not go on, `error` says why; what was done is done.
    """

    id: str
    verb: Verb
    state: Literal["running", "done", "failed"]
    filter: Selection | None
    reason: str | None
    actor: str | None
    total: int
    done: int
    refused: int
    refusals: list[BulkRefusal]
    error: str | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


class OperationPage(Struct):
    """A page of operations, the newest first; `next_cursor` null: the end."""

    items: list[OperationOut]
    next_cursor: str | None
