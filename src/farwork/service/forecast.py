"""When a task will likely start and finish, from how those of its kind have fared. Pure.

Of the times that tasks of the kind took, those count that are longer than what has passed already:
a task that has waited for an hour is none of those that waited for a minute.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from farwork.domain.task import Task
from farwork.domain.values import Instant, TaskState, moment
from farwork.protocol.parts import Likely
from farwork.storage.standing_reader import Past

SAMPLES_MIN = 5
"""Fewer than these say nothing."""
MIDDLE, LATE = 0.5, 0.9


@dataclass(slots=True, frozen=True)
class Span:
    """How long something will take: half of the samples took no longer, nine of ten no longer."""

    middle: int
    late: int
    samples: int


@dataclass(slots=True, frozen=True)
class Forecast:
    """When a task will likely start, and finish; None: unknown, or it has."""

    start: Likely | None = None
    finish: Likely | None = None


def forecast(task: Task, past: Sequence[Past], now: Instant, *, may_start: bool) -> Forecast:
    """When a task will likely start and finish; `may_start`: nothing but its turn holds it up."""
    if task.state is TaskState.RUNNING and task.started_at is not None:
        run = _span([one.ran for one in past], now - task.started_at)
        return Forecast(finish=None if run is None else _likely(task.started_at, run))
    if task.state is not TaskState.QUEUED or not may_start:
        return Forecast()
    since = task.queued_at or task.created_at
    wait = _span([one.waited for one in past if one.waited is not None], now - since)
    if task.not_before is not None and task.not_before > now:
        since = task.not_before
        wait = _span([one.waited for one in past if one.waited is not None], 0)
    run = _span([one.ran for one in past], 0)
    if wait is None:
        return Forecast()
    if run is None:
        return Forecast(start=_likely(since, wait))
    both = Span(wait.middle + run.middle, wait.late + run.late, min(wait.samples, run.samples))
    return Forecast(_likely(since, wait), _likely(since, both))


def words(found: Forecast) -> list[str]:
    """The same in words, as far as it is known."""
    said: list[str] = []
    for what, likely in (("start", found.start), ("finish", found.finish)):
        if likely is not None:
            said.append(
                f"It will likely {what} at {_time(likely)}, as half of {likely.samples} tasks of "
                "its kind would have."
            )
    return said


def _time(likely: Likely) -> str:
    return likely.at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _likely(since: Instant, span: Span) -> Likely:
    return Likely(moment(since + span.middle), moment(since + span.late), span.samples)


def _span(times: Sequence[int], passed: int) -> Span | None:
    longer = sorted(time for time in times if time > passed)
    if len(longer) < SAMPLES_MIN:
        return None
    return Span(_quantile(longer, MIDDLE), _quantile(longer, LATE), len(longer))


def _quantile(ordered: Sequence[int], part: float) -> int:
    """The least of the times that at least this part of them do not exceed."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
