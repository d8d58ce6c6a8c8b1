"""Bulk operations on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from farwork.domain.values import TaskState
from farwork.protocol.reports import Id, ShortText

IDS_MAX = 100_000
SAMPLE_MAX = 20

Verb = Literal["archive", "restore", "delete", "cancel", "retry", "submit"]
States = Annotated[list[TaskState], Meta(description="Any of these states.")]
LabelPair = Annotated[
    str, Meta(pattern=r"^[^=]+=", max_length=320, description="`key=value`; several: all of them.")
]
Words = Annotated[list[ShortText], Meta(max_length=1_000)]


class Selection(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Which tasks, in the words of the list of tasks. Several values of one kind: any of them."""

    state: States = []
    reason: Words = []
    kind: Words = []
    queue: Words = []
    job_id: Id | None = None
    label: Annotated[list[LabelPair], Meta(max_length=64)] = []
    creator: ShortText | None = None
    external_ref: ShortText | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    completed_after: datetime | None = None
    completed_before: datetime | None = None
    archived: Annotated[
        Literal["false", "true", "any"] | None,
        Meta(description="Default: `true` for restore, else `false`."),
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
