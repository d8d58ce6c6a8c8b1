"""What is done to the shards of a task, and why one stands where it stands, on the wire."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from farwork.protocol.leases import Seq
from farwork.protocol.parts import ShardOut
from farwork.protocol.reports import ShortText
from farwork.protocol.tasks import ShardCreate

SHARDS_MAX = 10_000


class ShardsIn(Struct, forbid_unknown_fields=True):
    """Shards to announce. A worker says under which lease; whoever may steer tasks need not."""

    shards: Annotated[list[ShardCreate], Meta(min_length=1, max_length=SHARDS_MAX)]
    lease_seq: Seq | None = None


class ShardVerbIn(Struct, forbid_unknown_fields=True):
    """Nothing need be said with a verb."""


class ShardCancelIn(Struct, forbid_unknown_fields=True):
    """Why a shard is cancelled."""

    reason: ShortText | None = None


class ShardExplanation(Struct, kw_only=True):
    """Why a shard stands where it stands, and what will move it."""

    task_id: str
    shard: ShardOut
    since: datetime
    summary: Annotated[str, Meta(description="Where it stands, in words.")]
    can: Annotated[list[str], Meta(description="The verbs that an operator may use on it.")]
