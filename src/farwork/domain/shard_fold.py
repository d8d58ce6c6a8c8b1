"""The fold of a task's shards: each as a function of the set of all that was said of it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from farwork.domain.facts import (
    Fact,
    Opened,
    Retried,
    ShardCancelled,
    ShardRetried,
    ShardsAdded,
)
from farwork.domain.reports import Report
from farwork.domain.shards import (
    Shard,
    ShardTally,
    called_off,
    follow,
    is_told,
    ran_at,
    reopened,
    tells,
    tried_again,
    were_told,
)
from farwork.domain.timeline import Attempt, attempts_of
from farwork.domain.values import Instant, TaskState, earliest


def refold_shards(
    log: Iterable[Fact], known: Mapping[int, Shard], now: Instant
) -> tuple[dict[int, Shard], ShardTally | None]:
    """The shards of a task from its log, and how they stand (None: it has none).

    An attempt begins with the shards as the one before it left them, but for those that it reopens.
    `known` gives what the log does not keep: when a shard became known, whether it has a result.
    """
    shards: dict[int, Shard] = {}
    started: Instant | None = None
    told = False
    for attempt in attempts_of(log):
        before, shards = shards, _begin(shards, attempt.opening)
        told = _are_told(attempt.opening, before, shards) or any(map(tells, attempt.reports))
        started = _follow_all(shards, attempt, now)
    for index, shard in shards.items():
        was = known.get(index)
        if was is not None:
            shards[index] = _as_known(shard, was)
    return shards, ShardTally.of(shards, started, told=told) if shards else None


def _begin(shards: Mapping[int, Shard], opening: Opened | Retried) -> dict[int, Shard]:
    if isinstance(opening, Opened):
        return {shard.index: shard for shard in opening.shards}
    only = opening.shards
    return {
        index: reopened(shard, opening.at) if only is None or index in only else shard
        for index, shard in shards.items()
    }


def _are_told(
    opening: Opened | Retried, before: Mapping[int, Shard], shards: Mapping[int, Shard]
) -> bool:
    """Whether anything is known of shards that are open as an attempt begins."""
    if isinstance(opening, Opened):
        return were_told(opening.shards)
    return any(
        shard is before[index] and not shard.state.is_final and is_told(shard)
        for index, shard in shards.items()
    )


def _follow_all(shards: dict[int, Shard], attempt: Attempt, now: Instant) -> Instant | None:
    started: Instant | None = None
    for fact in attempt.facts:
        if isinstance(fact, Report):
            if fact.shard is not None:
                index = fact.shard.index
                shards[index] = follow(shards.get(index), fact, now)
                started = earliest(started, ran_at(fact))
        elif isinstance(fact, ShardsAdded):
            for shard in fact.shards:
                shards.setdefault(shard.index, shard)
        elif isinstance(fact, ShardRetried):
            shard = shards[fact.index]
            # A success that became known later stands.
            if shard.state is not TaskState.SUCCEEDED:
                shards[fact.index] = tried_again(shard, fact.mark, fact.at)
        elif isinstance(fact, ShardCancelled):
            shard = shards[fact.index]
            shards[fact.index] = called_off(shard, fact.mark, fact.at, fact.reason)
    return started


def _as_known(shard: Shard, was: Shard) -> Shard:
    return replace(
        shard,
        created_at=was.created_at,
        updated_at=shard.updated_at if shard.mark or was.mark else was.updated_at,
        has_result=shard.has_result or was.has_result,
    )
