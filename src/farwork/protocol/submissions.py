"""Submissions on the wire: what workers hand to outside platforms, and what those say of it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from farwork.domain.values import TaskState
from farwork.protocol.leases import LeaseRef
from farwork.protocol.reports import ErrorIn, Offset, Percent, ShortText

JOBS_MAX = 10_000
Platform = Annotated[str, Meta(min_length=1, max_length=100)]
Reference = Annotated[str, Meta(min_length=1, max_length=255)]
Token = Annotated[str, Meta(min_length=1, max_length=64)]
Part = Annotated[
    str, Meta(max_length=100, description="Tells several submissions of one task apart.")
]


class SubmissionIn(LeaseRef, forbid_unknown_fields=True, kw_only=True):
    """What the holder of a lease is about to hand to a platform or, with its id there, has."""

    platform: Platform
    part: Part = ""
    shard: Offset | None = None
    external_ref: Reference | None = None
    anew: Annotated[
        bool, Meta(description="Forget what an earlier attempt submitted; it has failed there.")
    ] = False


class SubmissionOut(Struct, kw_only=True):
    """A submission.

    `token` is the same whoever tries, so that the platform can tell a second try. With an
    `external_ref` it has been submitted: whoever finds it so goes on with that.
    """

    task_id: str
    platform: str
    part: str
    token: str
    shard: int | None
    attempt: int
    state: Literal["intended", "submitted"]
    external_ref: str | None
    created_at: datetime
    updated_at: datetime


class PlatformJob(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How one submission stands, as its platform says; named by its id there, or by our token."""

    external_ref: Reference | None = None
    token: Token | None = None
    state: TaskState | None = None
    reported_status: ShortText | None = None
    percent: Percent | None = None
    error: ErrorIn | None = None
    result: Any | UnsetType = UNSET
    occurred_at: datetime | None = None


class ReconcileIn(Struct, forbid_unknown_fields=True):
    """A platform's list of jobs."""

    platform: Platform
    jobs: Annotated[list[PlatformJob], Meta(min_length=1, max_length=JOBS_MAX)]


class ReconciledJob(Struct):
    """What became of what a platform says; `verdict` null: nobody here submitted it."""

    external_ref: str | None
    token: str | None
    task_id: str | None
    verdict: str | None
    state: TaskState | None


class ReconcileOut(Struct):
    """What became of a platform's list, in its order."""

    items: list[ReconciledJob]
