"""Shards: the platform-side submissions of a task, and how the task follows from them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from farwork.domain.values import FINAL_STATES, Fault, Instant, Json, TaskState


@dataclass(slots=True)
class Shard:
    """One of the platform-side submissions of a task; `index` is unique within the task.

    It covers `item_count` items of the task, from `item_offset` on. `mark` orders what was said about its state: a final state
    beats any other whatever its time, among equals the latest wins. Each descriptive field follows the latest statement that
    gives it (`field_marks`). What is marked before `reopened` belongs to an earlier attempt.
    """

    index: int
    state: TaskState = TaskState.QUEUED
    reason: str | None = None
    external_ref: str | None = None
    queue: str | None = None
    item_count: int = 1
    item_offset: int = 0
    error: Fault | None = None
    has_result: bool = False
    created_at: Instant = 0
    updated_at: Instant = 0
    mark: str = ""
    reopened: str = ""
    field_marks: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def rank(self) -> tuple[bool, str]:
        """What decides between two statements about the same shard: the greater one holds."""
        return self.state in FINAL_STATES, self.mark


@dataclass(slots=True)
class ShardTally:
    """How many shards a task has and how they stand, kept as they change.

    `started_at` is the earliest and `ended_at` the latest time said of any shard; `error` sums up the failed ones once none is open.
    """

    total: int = 0
    open: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    items: int = 0
    items_succeeded: int = 0
    items_ended: int = 0
    started_at: Instant | None = None
    ended_at: Instant | None = None
    error: Fault | None = None

    def moved(self, before: Shard | None, after: Shard) -> "ShardTally":
        """The tally after one shard went from `before` (None: it is new) to `after`."""
        tally = replace(self)
        if before is not None:
            tally._count(before, -1)
        tally._count(after, 1)
        if after.state is not TaskState.QUEUED:
            tally.started_at = _earliest(tally.started_at, after.updated_at)
        if after.state in FINAL_STATES:
            tally.ended_at = max(tally.ended_at or after.updated_at, after.updated_at)
        return tally

    def _count(self, shard: Shard, sign: int) -> None:
        self.total += sign
        self.items += sign * shard.item_count
        match shard.state:
            case TaskState.SUCCEEDED:
                self.succeeded += sign
                self.items_succeeded += sign * shard.item_count
            case TaskState.FAILED:
                self.failed += sign
            case TaskState.CANCELLED:
                self.cancelled += sign
            case _:
                self.open += sign
        if shard.state in FINAL_STATES:
            self.items_ended += sign * shard.item_count

    @property
    def percent(self) -> float:
        """The share of items whose shard has ended, 0..100."""
        return 100.0 * self.items_ended / self.items if self.items else 0.0


def _earliest(known: Instant | None, said: Instant) -> Instant:
    return said if known is None else min(known, said)


def aggregate(tally: ShardTally, items_total: int | None) -> tuple[TaskState, str | None]:
    """The state (and reason) of a task whose shards stand as `tally` says.

    While a shard is open the task runs. Success needs every shard's success *and* as many items as the task announced; until
    then the task runs on with the reason `incomplete`. One failed shard fails the task; else a cancelled one cancels it.
    """
    if tally.open:
        return TaskState.RUNNING, None
    if tally.failed:
        return TaskState.FAILED, "shards"
    if tally.cancelled:
        return TaskState.CANCELLED, "shards"
    if items_total is not None and tally.items_succeeded < items_total:
        return TaskState.RUNNING, "incomplete"
    return TaskState.SUCCEEDED, None


def shards_error(shards: Iterable[Shard]) -> Fault:
    """What went wrong in the failed shards, in the order of their index."""
    failed = sorted((s for s in shards if s.state is TaskState.FAILED), key=lambda s: s.index)
    said = [f"shard {s.index}: {(s.error and s.error.message) or 'failed'}" for s in failed]
    categories = {s.error.category for s in failed if s.error and s.error.category}
    return Fault(
        category=categories.pop() if len(categories) == 1 else "shards", message="; ".join(said)
    )


def assemble(parts: Sequence[tuple[Shard, Json]]) -> Json:
    """The result of a task from its shards' results, in the order of the items they cover.

    One shard with one item gives its result as it is. Otherwise one flat list: a one-item shard gives one entry, a batch shard
    the entries of its list, cut or padded with null to its item count; a batch shard without a list gives its result once an item.
    """
    ordered = sorted(parts, key=lambda part: (part[0].item_offset, part[0].index))
    if len(ordered) == 1 and ordered[0][0].item_count == 1:
        return ordered[0][1]
    flat: list[Json] = []
    for shard, data in ordered:
        flat.extend(_entries(data, shard.item_count))
    return flat


def _entries(data: Json, count: int) -> list[Json]:
    if count == 1:
        return [data]
    if isinstance(data, list):
        entries: list[Json] = data[:count]
        return entries + [None] * (count - len(entries))
    return [data] * count
