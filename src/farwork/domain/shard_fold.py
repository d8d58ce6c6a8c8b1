"""The fold of a task's shards: each as a function of the set of all that was said of it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from farwork.domain.facts import Fact, Opened, Retried
from farwork.domain.shards import Shard, ShardTally, follow, ran_at, reopened
from farwork.domain.timeline import Attempt, attempts_of
from farwork.domain.values import Instant, earliest


def refold_shards(
    log: Iterable[Fact], known: Mapping[int, Shard], now: Instant
) -> tuple[dict[int, Shard], ShardTally | None]:
    """The shards of a task from its log, and how they stand (None: it has none).

    An attempt begins with the shards as the one before it left them, but for those that it reopens.
    `known` gives what the log does not keep: when a shard became known, whether it has a result.
    """
    shards: dict[int, Shard] = {}
    started: Instant | None = None
    for attempt in attempts_of(log):
        shards = _begin(shards, attempt.opening)
        started = _follow_all(shards, attempt, now)
    for index, shard in shards.items():
        was = known.get(index)
        if was is not None:
            shards[index] = _as_known(shard, was)
    return shards, ShardTally.of(shards, started) if shards else None


def _begin(shards: Mapping[int, Shard], opening: Opened | Retried) -> dict[int, Shard]:
    if isinstance(opening, Opened):
        return {shard.index: shard for shard in opening.shards}
    return {index: reopened(shard, opening.at) for index, shard in shards.items()}


def _follow_all(shards: dict[int, Shard], attempt: Attempt, now: Instant) -> Instant | None:
    started: Instant | None = None
    for report in attempt.reports:
        if report.shard is not None:
            index = report.shard.index
            shards[index] = follow(shards.get(index), report, now)
            started = earliest(started, ran_at(report))
    return started


def _as_known(shard: Shard, was: Shard) -> Shard:
    return replace(
        shard,
        created_at=was.created_at,
        updated_at=shard.updated_at if shard.mark or was.mark else was.updated_at,
        has_result=shard.has_result or was.has_result,
    )
