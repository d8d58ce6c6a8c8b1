"""Sources of signed webhooks on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from farwork.protocol.problems import FieldProblem
from farwork.protocol.tasks import ReportOut

Expression = Annotated[str, Meta(min_length=1, max_length=1_000, description="JMESPath.")]
Scheme = Literal["standard", "github", "bearer"]


class Picked(Struct, forbid_unknown_fields=True):
    """A value of the body in our words: found at `at`, looked up in `values`, else `otherwise`."""

    at: Expression
    values: dict[str, Any] = {}
    otherwise: Any | UnsetType = UNSET


class MappingIn(Struct, forbid_unknown_fields=True):
    """How a body becomes reports: for each part that `each` finds, if `when` holds in it.

    `report` says for fields of a report where in the part their values are.
    """

    report: Annotated[dict[str, Expression | Picked], Meta(min_length=1, max_length=50)]
    each: Expression | None = None
    when: Expression | None = None


class IncomingIn(Struct, forbid_unknown_fields=True):
    """How what a source sends is vouched for, and what becomes of it.

    `standard`: Standard Webhooks; `github`: `X-Hub-Signature-256` over the body; `bearer`: the
    secret itself as a bearer token. Without a mapping a body is a report.
    """

    scheme: Scheme = "standard"
    mapping: MappingIn | None = None


class IncomingOut(Struct, kw_only=True):
    """How what a source sends is taken, and where it is to be sent."""

    source_id: str
    scheme: Scheme
    mapping: MappingIn | None
    path: str


class DryRunIn(Struct, forbid_unknown_fields=True):
    """A sample body, and the mapping to try (not given: the source's own)."""

    body: Any
    mapping: MappingIn | None = None


class DryRunOut(Struct):
    """What the sample would become. Nothing is kept."""

    reports: list[dict[str, Any]]
    errors: list[FieldProblem]


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


SendingState = Literal["taken", "nothing", "refused"]


class SendingOut(Struct, kw_only=True):
    """What a source sent. `nothing`: the mapping found no report in it.

    `reports` counts those that it held when it was read last, `problems` say why it was refused.
    """

    id: str
    source_id: str
    at: datetime
    delivery_id: str | None
    state: SendingState
    reports: int
    problems: list[FieldProblem]
    bytes: int
    replays: int
    replayed_at: datetime | None


class SendingWhole(SendingOut, kw_only=True):
    """What a source sent, with the body: as text, or in base64 where it is not UTF-8."""

    headers: dict[str, str]
    body: str
    encoding: Literal["text", "base64"]


class SendingPage(Struct):
    """A page of a list; `next_cursor` null: the end."""

    items: list[SendingOut]
    next_cursor: str | None


def _unread() -> list[SendingState]:
    return ["refused", "nothing"]


class ReplayIn(Struct, forbid_unknown_fields=True):
    """Which sendings to read again: those in one of these states, behind `after`, oldest first."""

    states: Annotated[list[SendingState], Meta(min_length=1, max_length=3)] = field(
        default_factory=_unread
    )
    after: Annotated[str, Meta(max_length=255)] = ""


class Replayed(Struct):
    """What became of a sending that was read again: a verdict for each report in it."""

    sending: SendingOut
    reports: list[ReportOut]


class ReplayedPage(Struct):
    """What became of sendings that were read again; behind `next_after` are more (null: none)."""

    items: list[Replayed]
    next_after: str | None
