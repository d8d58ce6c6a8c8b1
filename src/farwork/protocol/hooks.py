"""Outgoing webhooks on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from farwork.protocol.queries import POSITION_MAX, Cursor, Limit, Position
from farwork.protocol.reports import Labels

SECRET_PATTERN = r"^whsec_[A-Za-z0-9+/]{32,88}={0,2}$(?!\n)"  # noqa: S105 - the form of a secret
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^(?![\s\S]*[\x00-\x1f\x7f])")]
Url = Annotated[
    str,
    Meta(
        max_length=2000,
        description="`https://` or `http://`, without user, password and fragment.",
        examples=["https://example.com/farwork"],
    ),
]
Secret = Annotated[
    str,
    Meta(
        pattern=SECRET_PATTERN,
        description="`whsec_` and the base64 of 24 to 64 bytes.",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        extra={"rule": "must be 'whsec_' and the base64 of 24 to 64 bytes"},
    ),
]
Token = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1000,
        pattern=r"^[!-~]+$(?!\n)",
        description="Sent along as `Authorization: Bearer <token>`; never shown again.",
    ),
]
Format = Literal["json", "cloudevents"]
Words = Annotated[list[Annotated[str, Meta(max_length=255)]], Meta(max_length=200)]
DeliveryState = Literal["due", "waiting", "delivered", "failed", "abandoned"]
Changes = Annotated[
    Literal["all", "state", "end"],
    Meta(
        description="`state`: only what brings a task into another state; `end`: into a final one."
    ),
]
EndedState = Literal["delivered", "failed", "abandoned"]


class EventFilter(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Which events are meant: several values of one kind, any of them; none, whatever it is."""

    types: Words = []
    tasks: Words = []
    jobs: Words = []
    kinds: Words = []
    queues: Words = []
    labels: Labels = {}
    on: Changes = "all"


class HookCreate(Struct, forbid_unknown_fields=True, kw_only=True):
    """A hook to be made.

    Without a `secret` one is made. It is told of what comes behind `after` (not given: from now).
    """

    url: Url
    name: Name | None = None
    filter: EventFilter = field(default_factory=EventFilter)
    format: Format = "json"
    secret: Secret | None = None
    token: Token | None = None
    after: Position | None = None


class HookPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change of a hook; what is left out stays. A `token` of null is no longer sent."""

    url: Url | UnsetType = UNSET
    name: Name | UnsetType | None = UNSET
    filter: EventFilter | UnsetType = UNSET
    format: Format | UnsetType = UNSET
    state: Literal["active", "disabled"] | UnsetType = UNSET
    token: Token | UnsetType | None = UNSET


class Circuit(Struct, kw_only=True):
    """How sending goes. While it is open, one delivery at a time is tried, at `next_try_at`."""

    state: Literal["closed", "open"]
    failures: int
    failing_since: datetime | None
    next_try_at: datetime | None
    last_error: str | None


class HookOut(Struct, kw_only=True):
    """A hook. `position` is up to where the feed has been turned into deliveries."""

    id: str
    project: str
    name: str | None
    url: str
    filter: EventFilter
    format: Format
    task_only: bool
    has_token: bool
    state: Literal["active", "disabled"]
    reason: str | None
    circuit: Circuit
    position: int
    old_secret_until: datetime | None
    creator: str | None
    created_at: datetime
    updated_at: datetime
    version: int


class HookCreated(HookOut, kw_only=True):
    """A hook with its secret, which is shown this once."""

    secret: str


class HooksQuery(Struct, forbid_unknown_fields=True):
    """Which page of the hooks; or, with a `task`, its callback."""

    task: Annotated[str, Meta(max_length=255)] | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class HookPage(Struct):
    """A page of a list; `next_cursor` null: the end."""

    items: list[HookOut]
    next_cursor: str | None


class HookDetail(HookOut, kw_only=True):
    """A hook, and how many of its deliveries are in which state."""

    deliveries: dict[str, int]


class RotateIn(Struct, forbid_unknown_fields=True):
    """How to change the secret: for so long the old one signs beside the new one."""

    keep_seconds: Annotated[int, Meta(ge=0, le=2_592_000)] = 86_400
    secret: Secret | None = None


class AttemptMade(Struct, kw_only=True):
    """One try at a delivery: what came back, or why nothing did."""

    at: datetime
    ok: bool
    status: int | None
    latency_ms: float
    error: str | None
    response: str | None


class DeliveryOut(Struct, kw_only=True):
    """A delivery; its `id` is the position of the event. `tries` are the latest ones."""

    id: int
    hook_id: str
    webhook_id: str
    type: str
    subject: str
    state: DeliveryState
    attempts: int
    next_try_at: datetime | None
    tries: list[AttemptMade]
    event: dict[str, Any]
    created_at: datetime
    ended_at: datetime | None


class DeliveryPage(Struct):
    """A page of a list; `next_cursor` null: the end."""

    items: list[DeliveryOut]
    next_cursor: str | None


class DeliveriesQuery(Struct, forbid_unknown_fields=True):
    """Which deliveries, latest first."""

    state: list[DeliveryState] = []
    limit: Limit = 50
    cursor: Cursor | None = None


class RedeliverIn(Struct, forbid_unknown_fields=True):
    """Which deliveries to make again: those in these states, at positions after and up to."""

    states: Annotated[list[EndedState], Meta(min_length=1, max_length=3)] = field(
        default_factory=lambda: ["failed"]
    )
    after: Position = 0
    until: Position = POSITION_MAX


class Redelivered(Struct):
    """How many deliveries are made again."""

    count: int


class CallbackIn(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Who is told of what becomes of this one task; not said otherwise, of its end.

    Give a `secret` to have it signed, a `token` to have it sent along, or both.
    """

    url: Url
    on: Changes = "end"
    format: Format = "json"
    secret: Secret | None = None
    token: Token | None = None
