"""Retention on the wire: when what has ended is archived and deleted, and what is held."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from farwork.domain import ids
from farwork.protocol.policies import SECONDS_MAX
from farwork.protocol.reports import ShortText

FinalState = Literal["*", "succeeded", "failed", "cancelled"]
Kind = Annotated[ShortText, Meta(description="A kind of tasks; `*`: every kind.")]
After = Annotated[float, Meta(ge=0, le=SECONDS_MAX)] | Literal["never"] | None
Why = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        pattern=ids.PATTERN,
        description="Why, for whoever meets it.",
        extra={"rule": ids.RULE},
    ),
]


class RetentionIn(Struct, forbid_unknown_fields=True):
    """What becomes of tasks of a kind that have ended in a state; `*`: of every kind, in any state.

    Times are seconds since such a task was last changed; `never`: it is not done, whatever a wider
    rule says; null: a wider rule says it. With a `legal_hold` nobody deletes these tasks.
    """

    kind: Kind = "*"
    state: FinalState = "*"
    archive_after_seconds: After = None
    delete_after_seconds: After = None
    legal_hold: Why | None = None


class RetentionOut(Struct, kw_only=True):
    """A rule of retention."""

    kind: str
    state: FinalState
    archive_after_seconds: After
    delete_after_seconds: After
    legal_hold: str | None
    updated_at: datetime
    updated_by: str | None


class RetentionList(Struct):
    """The rules of a project, by kind and state."""

    items: list[RetentionOut]


class HoldIn(Struct, forbid_unknown_fields=True):
    """Why a task is put under a legal hold."""

    reason: Why


class ProjectQuery(Struct, forbid_unknown_fields=True):
    """Whose rules; another project's are for admins of the default project."""

    project: ShortText | None = None


class RetentionQuery(ProjectQuery, forbid_unknown_fields=True):
    """Which rule."""

    kind: Kind = "*"
    state: FinalState = "*"
