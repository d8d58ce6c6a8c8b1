"""How tasks are treated over time, on the wire."""

from typing import Annotated

from msgspec import Meta, Struct

from farwork.domain.values import LatePolicy, Limits, Policy

SECONDS_MAX = 10 * 366 * 86_400

Seconds = Annotated[float, Meta(gt=0, le=SECONDS_MAX)]
Pause = Annotated[float, Meta(ge=0, le=SECONDS_MAX)]


class LimitsIn(Struct, omit_defaults=True, forbid_unknown_fields=True, frozen=True):
    """How long a task may take, in seconds; left out: for ever.

    `queue_seconds` in the queue before each attempt, `run_seconds` for each attempt,
    `silence_seconds` without a report while it runs, `total_seconds` from its creation on.
    """

    queue_seconds: Seconds | None = None
    run_seconds: Seconds | None = None
    silence_seconds: Seconds | None = None
    total_seconds: Seconds | None = None


class RetryIn(Struct, omit_defaults=True, forbid_unknown_fields=True, frozen=True):
    """The pause before another attempt: it grows by `factor` up to `backoff_seconds_max`.

    `jitter` is the part of it that is left to chance.
    """

    backoff_seconds: Pause = 1.0
    factor: Annotated[float, Meta(ge=1, le=100)] = 2.0
    backoff_seconds_max: Pause = 300.0
    jitter: Annotated[float, Meta(ge=0, le=1)] = 0.5


class PolicyIn(Struct, omit_defaults=True, forbid_unknown_fields=True, frozen=True):
    """How a task is treated when it takes too long, fails, falls silent, or comes late.

    Also, with how many of its shards it succeeds.
    """

    limits: LimitsIn | None = None
    retry: RetryIn | None = None
    grace_seconds: Annotated[
        Pause, Meta(description="How long a worker that fell silent may take to come back.")
    ] = 30.0
    late: LatePolicy = LatePolicy.KEEP
    shards_needed: Annotated[
        Annotated[int, Meta(ge=1, le=2**31 - 1)] | None,
        Meta(description="With so many shards the task succeeds; null: with all."),
    ] = None


def policy_from(said: PolicyIn) -> Policy:
    """The policy of one on the wire."""
    limits, retry = said.limits or LimitsIn(), said.retry or RetryIn()
    return Policy(
        Limits(
            limits.queue_seconds, limits.run_seconds, limits.silence_seconds, limits.total_seconds
        ),
        retry.backoff_seconds,
        retry.factor,
        retry.backoff_seconds_max,
        retry.jitter,
        said.grace_seconds,
        said.late,
        said.shards_needed,
    )


def policy_out(policy: Policy) -> PolicyIn:
    """A policy on the wire."""
    return PolicyIn(
        limits_out(policy.limits),
        RetryIn(policy.backoff_s, policy.backoff_factor, policy.backoff_s_max, policy.jitter),
        policy.grace_s,
        policy.late,
        policy.shards_needed,
    )


def limits_out(limits: Limits) -> LimitsIn:
    """Limits on the wire."""
    return LimitsIn(limits.queue_s, limits.run_s, limits.silence_s, limits.total_s)
