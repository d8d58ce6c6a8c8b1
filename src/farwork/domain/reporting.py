"""What becomes of a task, and of a report, when the report comes in."""

from farwork.domain import commands as c
from farwork.domain.creation import opening_of
from farwork.domain.decision import Decision, Known, Needs, ResultRecord
from farwork.domain.events import Event, EventType
from farwork.domain.fold import Answer, absorb_report, refold, settle_by_shards
from farwork.domain.marks import is_before
from farwork.domain.reports import Report, ShardStatement
from farwork.domain.shards import Shard, ShardTally, shards_error
from farwork.domain.task import Task
from farwork.domain.values import FINAL_STATES, Instant, SettledBy, TaskState, Verdict

_DUPLICATE: Answer = (Verdict.DUPLICATE, "the same report came before")
_UNKNOWN: Answer = (Verdict.UNKNOWN_TASK, "the project takes no reports about unknown tasks")
_PAST_END: Answer = (Verdict.LATE, "that attempt is over")
_PAST: Answer = (Verdict.STALE, "that attempt is over")
_NOT_BEGUN: Answer = (Verdict.CONFLICT, "that attempt has not begun")
_IN_PLACE: Answer = (Verdict.APPLIED, "folded in its place, before what was known")
_OUTDATED: Answer = (Verdict.STALE, "something later was known")
_OUTDATED_END: Answer = (Verdict.CONFLICT, "another end is reported for a later time")
_OPERATOR: Answer = (Verdict.LATE, "an operator had ended this attempt")


def take_report(
    task: Task | None, command: c.ReportTask, now: Instant, known: Known
) -> Decision | Needs:
    """Fold a report into its task; an unknown task becomes known by it, where that is allowed."""
    report = command.report
    if task is None:
        if not command.register:
            return Decision(None, verdict=_UNKNOWN[0], reason=_UNKNOWN[1])
        return _register(command, now, known)
    if known.seen:
        return _noted(task, command, now, _DUPLICATE, report.attempt or task.attempt)
    attempt = _attempt_of(task, report)
    if attempt != task.attempt:
        return _other_attempt(task, command, now, attempt)
    if _needs_all_shards(task, report, known):
        return Needs.SHARDS
    return _take(task, command, now, known)


def _register(command: c.ReportTask, now: Instant, known: Known) -> Decision | Needs:
    report = command.report
    task = Task(
        project="",
        id=command.task_id,
        created_at=now,
        updated_at=now,
        version=0,
        creator=command.actor,
        job_id=report.job_id,
    )
    opening = opening_of(task, now)
    if _needs_all_shards(task, report, known):
        return Needs.SHARDS
    decision = _take(task, command, now, known)
    assert isinstance(decision, Decision)
    registered = Event(
        type=EventType.TASK_REGISTERED,
        at=now,
        after=TaskState.CREATED,
        version=0,
        actor=command.actor,
        source=report.source,
        fact=opening,
    )
    decision.events.insert(0, registered)
    decision.details = c.Details()
    return decision


def _attempt_of(task: Task, report: Report) -> int:
    """Which attempt a report is about: the one it names, else the one its time falls into."""
    if report.attempt is not None:
        return report.attempt
    opened_at = task.attempt_opened_at
    if opened_at is not None and is_before(report.mark, opened_at):
        return task.attempt - 1
    return task.attempt


def _other_attempt(task: Task, command: c.ReportTask, now: Instant, attempt: int) -> Decision:
    """Keep a report about an attempt that is not the present one; its results stand beside the task's own."""
    report = command.report
    if attempt > task.attempt:
        answer = _NOT_BEGUN
    else:
        answer = _PAST_END if report.state in FINAL_STATES else _PAST
    decision = _noted(task, command, now, answer, attempt)
    decision.results = _results(report, attempt, late=True)
    return decision


def _noted(
    task: Task, command: c.ReportTask, now: Instant, answer: Answer, attempt: int
) -> Decision:
    """A decision that keeps the report and leaves the task as it is."""
    event = Event(
        type=EventType.TASK_REPORTED,
        at=now,
        attempt=attempt,
        before=task.state,
        after=task.state,
        version=task.version,
        actor=command.actor,
        source=command.report.source,
        verdict=answer[0],
        reason=answer[1],
    )
    if answer[0] is not Verdict.DUPLICATE:
        event.dedup = command.report.dedup
        event.fact = command.report
    return Decision(task, [event], verdict=answer[0], reason=answer[1])


def _take(task: Task, command: c.ReportTask, now: Instant, known: Known) -> Decision | Needs:
    report = command.report
    after = task.draft()
    shard = _take_shard(after, report, now, known) if report.shard is not None else None
    if report.mark > task.mark:
        answer = absorb_report(after, report)
        settle_by_shards(after)
    elif known.timeline is None:
        return Needs.TIMELINE
    else:
        refold(after, [*known.timeline, report])
        answer = _answer_in_hindsight(task, after, report)
    if shard is not None and answer[0] is Verdict.STALE:
        answer = (Verdict.APPLIED, None)
    if report.note is not None and answer[1] is None:
        answer = (answer[0], report.note)
    late = answer[0] is Verdict.LATE
    after.version = task.version + 1
    after.updated_at = now
    if report.results and not late:
        after.has_result = True
    event = Event(
        type=EventType.TASK_REPORTED,
        at=now,
        attempt=after.attempt,
        before=task.state,
        after=after.state,
        version=after.version,
        actor=command.actor,
        source=report.source,
        verdict=answer[0],
        reason=answer[1],
        dedup=report.dedup,
        fact=report,
    )
    decision = Decision(after, [event], verdict=answer[0], reason=answer[1])
    if report.metadata:
        decision.metadata = (report.metadata, report.mark)
    if report.results:
        decision.results = _results(report, after.attempt, late=late)
    if shard is not None:
        _add_shard(decision, shard, report)
    return decision


def _answer_in_hindsight(before: Task, after: Task, report: Report) -> Answer:
    """What became of a report that was folded in behind later ones."""
    ended = report.state in FINAL_STATES
    if after.settled_by is SettledBy.OPERATOR:
        return _OPERATOR if ended else _OUTDATED
    if ended and after.state is not report.state:
        return _OUTDATED_END
    return _IN_PLACE if _visible(before) != _visible(after) or report.metadata else _OUTDATED


def _visible(task: Task) -> tuple[object, ...]:
    return (
        task.state,
        task.reason,
        task.percent,
        task.message,
        task.error,
        task.queued_at,
        task.started_at,
        task.completed_at,
        task.labels,
        task.kind,
        task.queue,
    )


def _results(report: Report, attempt: int, *, late: bool) -> list[ResultRecord]:
    rank = f"{int(report.state in FINAL_STATES)}{report.mark}"
    return [ResultRecord(attempt, rank, late, result) for result in report.results]


# A report may speak of one shard; the shard keeps its own order of statements, and the task follows from all of them.


def _needs_all_shards(task: Task, report: Report, known: Known) -> bool:
    if report.shard is None or known.shards is not None:
        return False
    return task.pk != 0


def _take_shard(task: Task, report: Report, now: Instant, known: Known) -> Shard:
    said = report.shard
    assert said is not None
    shards = known.shards or {}
    before = shards.get(said.index)
    after = _follow(before, said, report, now)
    tally = (task.shards or ShardTally()).moved(before, after)
    if tally.open == 0 and tally.failed:
        tally.error = shards_error([*(s for i, s in shards.items() if i != said.index), after])
    else:
        tally.error = None
    task.shards = tally
    return after


def _follow(before: Shard | None, said: ShardStatement, report: Report, now: Instant) -> Shard:
    shard = (
        Shard(index=said.index, created_at=now)
        if before is None
        else Shard(**{name: getattr(before, name) for name in Shard.__slots__})
    )
    shard.field_marks = dict(shard.field_marks)
    for name in ("external_ref", "queue", "item_count", "item_offset"):
        value = getattr(said, name)
        if value is not None and shard.field_marks.get(name, "") < report.mark:
            setattr(shard, name, value)
            shard.field_marks[name] = report.mark
    if said.state is not None and report.mark > shard.reopened:
        rank = (said.state in FINAL_STATES, report.mark)
        if rank > shard.rank or not shard.mark:
            shard.state, shard.reason, shard.error = said.state, said.reason, said.error
            shard.mark = report.mark
            shard.updated_at = report.occurred_at
    if said.has_result:
        shard.has_result = True
    return shard


def _add_shard(decision: Decision, shard: Shard, report: Report) -> None:
    said = report.shard
    assert said is not None
    decision.shards = [shard]
    if said.has_result:
        rank = f"{int(said.state in FINAL_STATES)}{report.mark}"
        decision.shard_results = {shard.index: (said.result, rank)}
