"""Shards: the platform-side submissions of a task, and how the task follows from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from farwork.domain.marks import FIRST, LAST, rank
from farwork.domain.reports import Report, ShardStatement
from farwork.domain.values import Fault, Instant, Json, TaskState

ERROR_MESSAGE_MAX = 4_000
"""The sum of the shards' errors is cut here: it stands in the task's narrow record."""

SINCE = "state"
"""Under this name a shard's `field_marks` say since when what is said of its state counts."""

_NOT_STARTED = (TaskState.CREATED, TaskState.BLOCKED, TaskState.QUEUED)


@dataclass(slots=True)
class Shard:
    """One of the platform-side submissions of a task; `index` is unique within the task.

    It covers `item_count` items of the task, from `item_offset` on. `mark` is that of the statement
    on which its state rests: a final state beats any other whatever its time, among equals the
    latest wins. Each descriptive field follows the latest statement that gives it (`field_marks`);
    there, `state` is the mark up to which nothing counts that is said of the state.
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
    field_marks: dict[str, str] = field(default_factory=dict)

    @property
    def rank(self) -> str:
        """What decides between two statements about the same shard: the greater one holds."""
        return rank(self.mark, final=self.state.is_final)

    def describe(self, said: ShardStatement, mark: str) -> None:
        """Take the descriptive fields that the statement gives, where nothing later gave them."""
        given = {
            "external_ref": said.external_ref,
            "queue": said.queue,
            "item_count": said.item_count,
            "item_offset": said.item_offset,
        }
        for name, value in given.items():
            if value is not None and self.field_marks.get(name, "") < mark:
                setattr(self, name, value)
                self.field_marks = {**self.field_marks, name: mark}


def follow(before: Shard | None, report: Report, now: Instant) -> Shard:
    """The shard that a report speaks of, as it stands after the report; None: it was unknown."""
    said = report.shard
    assert said is not None
    shard = Shard(said.index, created_at=now, updated_at=now) if before is None else replace(before)
    shard.describe(said, report.mark)
    if (
        said.state is not None
        and report.mark > shard.field_marks.get(SINCE, FIRST)
        and rank(report.mark, final=said.state.is_final) > shard.rank
    ):
        shard.state, shard.reason, shard.error = said.state, said.reason, said.error
        shard.mark = report.mark
        shard.updated_at = report.occurred_at
    shard.has_result = shard.has_result or said.has_result
    return shard


def reopened(shard: Shard, at: Instant) -> Shard:
    """The shard as another attempt begins: one that ended without success is queued again."""
    if shard.state not in (TaskState.FAILED, TaskState.CANCELLED):
        return shard
    return replace(shard, state=TaskState.QUEUED, reason=None, error=None, mark="", updated_at=at)


def tried_again(shard: Shard, mark: str, at: Instant) -> Shard:
    """The shard queued again within an attempt; what is said of its state before that is over."""
    return replace(
        shard,
        state=TaskState.QUEUED,
        reason=None,
        error=None,
        mark=mark,
        field_marks={**shard.field_marks, SINCE: mark},
        updated_at=at,
    )


def called_off(shard: Shard, mark: str, at: Instant, reason: str | None) -> Shard:
    """The shard cancelled by an operator, above whose word no report stands."""
    return replace(
        shard,
        state=TaskState.CANCELLED,
        reason=reason,
        error=None,
        mark=f"{LAST}{mark}",
        updated_at=at,
    )


def tells(report: Report) -> bool:
    """Whether a report says that a shard came to a platform, or what became of it there."""
    said = report.shard
    return said is not None and (said.state is not None or said.external_ref is not None)


def is_told(shard: Shard) -> bool:
    """Whether anything is known of a shard beyond that there shall be one."""
    return bool(shard.state is not TaskState.QUEUED or shard.external_ref is not None or shard.mark)


def were_told(shards: Iterable[Shard]) -> bool:
    """Whether anything is known of any of these shards."""
    return any(map(is_told, shards))


def ran_at(report: Report) -> Instant | None:
    """A time at which, so the report says, a shard ran or had run."""
    said = report.shard
    if said is None or said.state is None or said.state in _NOT_STARTED:
        return None
    return report.occurred_at


@dataclass(slots=True)
class ShardTally:
    """How many shards a task has and how they stand, kept as they change.

    `started_at` is the earliest time at which the present attempt ran in any shard, `ended_at` the
    latest at which one ended; `error` sums up the failed ones once none is open. `told` says
    whether anything has been heard of any shard in the present attempt: what is only announced is
    yet to be begun, by whoever takes the task.
    """

    total: int = 0
    open: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    items: int = 0
    items_succeeded: int = 0
    items_ended: int = 0
    with_result: int = 0
    started_at: Instant | None = None
    ended_at: Instant | None = None
    error: Fault | None = None
    told: bool = False

    @classmethod
    def of(
        cls, shards: Mapping[int, Shard], started: Instant | None = None, *, told: bool = False
    ) -> "ShardTally":
        """The tally of these shards."""
        tally = cls(started_at=started, told=told)
        for shard in shards.values():
            tally.count(shard, 1)
        if tally.fails:
            tally.error = shards_error(shards.values())
        return tally

    def moved(self, shards: Mapping[int, Shard], after: Shard) -> "ShardTally":
        """The tally after one of the `shards` (all of the task's), or a new one, became `after`."""
        tally = replace(self, error=None)
        before = shards.get(after.index)
        if before is not None:
            tally.count(before, -1)
        tally.count(after, 1)
        if before is not None and before.state.is_final and not after.state.is_final:
            # It is tried again, and takes its end with it.
            ends = [s.updated_at for s in shards.values() if s.state.is_final and s is not before]
            tally.ended_at = max(ends, default=None)
        if tally.fails:
            tally.error = shards_error({**shards, after.index: after}.values())
        return tally

    @property
    def fails(self) -> bool:
        """Whether the shards make their task fail."""
        return self.failed > 0 and not self.open

    def percent(self, items_total: int | None) -> float:
        """The part, 0..100, of the items that the task announced whose shard has ended."""
        items = max(self.items, items_total or 0)
        return 100.0 * self.items_ended / items if items else 0.0

    def count(self, shard: Shard, sign: int) -> None:
        """Count a shard in, or (with -1) out."""
        items = sign * shard.item_count
        self.total += sign
        self.items += items
        self.with_result += sign * shard.has_result
        match shard.state:
            case TaskState.SUCCEEDED:
                self.succeeded += sign
                self.items_succeeded += items
            case TaskState.FAILED:
                self.failed += sign
            case TaskState.CANCELLED:
                self.cancelled += sign
            case _:
                self.open += sign
                return
        self.items_ended += items
        # A shard's end gives way to a later one, and taking one away leaves the latest as it is;
        # whoever opens a shard again sees to it.
        ended = shard.updated_at
        self.ended_at = ended if self.ended_at is None else max(self.ended_at, ended)


def aggregate(
    tally: ShardTally, items_total: int | None, needed: int | None = None
) -> tuple[TaskState, str | None]:
    """The state (and reason) of a task whose shards stand as `tally` says.

    While a shard is open the task runs. Success needs every shard's success *and* as many items as
    the task announced; until then the task runs on with the reason `incomplete`. One failed shard
    fails the task; else a cancelled one cancels it.

    Where only so many shards are `needed`, the task succeeds with the last of these, however the
    others end, as soon as its shards together cover all the items that it announced.
    """
    enough = needed is not None and tally.succeeded >= needed
    covered = items_total is None or tally.items >= items_total
    if enough and covered:
        return TaskState.SUCCEEDED, None
    if tally.open:
        return TaskState.RUNNING, None
    if tally.fails and not enough:
        return TaskState.FAILED, "shards"
    if tally.cancelled and not enough:
        return TaskState.CANCELLED, "shards"
    if needed is not None or (items_total is not None and tally.items_succeeded < items_total):
        return TaskState.RUNNING, "incomplete"
    return TaskState.SUCCEEDED, None


def shards_error(shards: Iterable[Shard]) -> Fault:
    """What went wrong in the failed shards, in the order of their index."""
    failed = sorted((s for s in shards if s.state is TaskState.FAILED), key=lambda s: s.index)
    said = [f"shard {s.index}: {(s.error and s.error.message) or 'failed'}" for s in failed]
    categories = {s.error.category for s in failed if s.error and s.error.category}
    category = categories.pop() if len(categories) == 1 else "shards"
    return Fault(category, _shortened("; ".join(said)))


def _shortened(message: str) -> str:
    if len(message) <= ERROR_MESSAGE_MAX:
        return message
    return f"{message[: ERROR_MESSAGE_MAX - 1]}…"


def assemble(parts: Sequence[tuple[Shard, Json]]) -> Json:
    """The result of a task from its shards' results, in the order of the items they cover.

    One shard with one item gives its result as it is. Otherwise one flat list: a one-item shard
    gives one entry, a batch shard the entries of its list, cut or padded with null to its item
    count; a batch shard without a list gives its result once an item.
    """
    ordered = sorted(parts, key=lambda part: (part[0].item_offset, part[0].index))
    if len(ordered) == 1 and ordered[0][0].item_count == 1:
        return ordered[0][1]
    return [entry for shard, data in ordered for entry in _entries(data, shard.item_count)]


def _entries(data: Json, count: int) -> list[Json]:
    if count == 1 or not isinstance(data, list):
        return [data] * count
    entries = cast("list[Json]", data)[:count]
    return entries + [None] * (count - len(entries))
