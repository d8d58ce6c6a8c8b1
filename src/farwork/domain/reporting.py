"""What becomes of a task, and of a report, when the report comes in."""

from collections.abc import Mapping, Sequence

from farwork.domain import commands as c
from farwork.domain.creation import opening_of
from farwork.domain.decision import Decision, Known, Needs, ResultRecord
from farwork.domain.events import Event, EventType
from farwork.domain.fold import absorb_report, absorbs, refold
from farwork.domain.marks import rank
from farwork.domain.reports import Report
from farwork.domain.shard_fold import refold_shards
from farwork.domain.shards import Shard, ShardTally, follow, ran_at, tells
from farwork.domain.task import Task
from farwork.domain.timeline import attempt_meant, attempts_of
from farwork.domain.values import Instant, SettledBy, TaskState, Verdict, earliest

Answer = tuple[Verdict, str | None]

_APPLIED: Answer = (Verdict.APPLIED, None)
_IN_PLACE: Answer = (Verdict.APPLIED, "taken in its place, before what was known")
_CONFIRMS: Answer = (Verdict.APPLIED, "confirms the operator's cancellation")
_OVERRULES: Answer = (Verdict.APPLIED, "overrules an end reported for an earlier time")
_CORRECTS: Answer = (Verdict.APPLIED, "corrects an end that the server had inferred")
_BESIDE_END: Answer = (Verdict.APPLIED, "the attempt has ended; the rest was taken")
_BESIDE_PAST: Answer = (Verdict.APPLIED, "that attempt is over; the rest was taken")
_OUTDATED: Answer = (Verdict.STALE, "something later was known")
_ENDED: Answer = (Verdict.STALE, "the attempt has ended")
_PAST: Answer = (Verdict.STALE, "that attempt is over")
_UNDOES_END: Answer = (Verdict.CONFLICT, "the attempt has a reported end, which nothing undoes")
_OUTDATED_END: Answer = (Verdict.CONFLICT, "another end is reported for a later time")
_NOT_BEGUN: Answer = (Verdict.CONFLICT, "that attempt has not begun")
_LATE: Answer = (Verdict.LATE, "an operator had ended this attempt")
_PAST_END: Answer = (Verdict.LATE, "that attempt is over")
_DUPLICATE: Answer = (Verdict.DUPLICATE, "the same report came before")
_UNKNOWN: Answer = (Verdict.UNKNOWN_TASK, "the project takes no reports about unknown tasks")


def take_report(
    task: Task | None, command: c.ReportTask, now: Instant, known: Known
) -> Decision | Needs:
    """Fold a report into its task; an unknown task becomes known by it, where that is allowed."""
    if task is None:
        return _take_first(command, now)
    attempt = _attempt_meant(task, command.report)
    if known.seen:
        event = _event(task, task, command, now, _DUPLICATE)
        event.attempt = attempt
        return Decision(task, [event], *_DUPLICATE)
    if attempt == task.attempt:
        return _take_present(task, command, now, known)
    if attempt > task.attempt:
        return _conclude(Decision(task.draft()), task, command, now, _NOT_BEGUN, attempt)
    return _take_past(task, command, now, known, attempt)


def _attempt_meant(task: Task, report: Report) -> int:
    """The attempt that a report names, else the one into which its time falls (or one before)."""
    if report.attempt is not None:
        return report.attempt
    opened_at = task.attempt_opened_at
    if opened_at is not None and report.occurred_at < opened_at:
        return task.attempt - 1
    return task.attempt


def _take_first(command: c.ReportTask, now: Instant) -> Decision:
    """Make a task known by its first report; it begins with its first attempt."""
    if not command.register:
        return Decision(None, (), *_UNKNOWN)
    task = Task("", command.task_id, now, now, version=0, creator=command.actor)
    opening = opening_of(task, now)
    decision = take_report(task, command, now, Known(timeline=[opening], shards={}))
    assert isinstance(decision, Decision)
    assert decision.task is not None
    registered = Event(
        type=EventType.TASK_REGISTERED,
        at=now,
        after=TaskState.CREATED,
        actor=command.actor,
        source=command.report.source,
        fact=opening,
    )
    decision.events = [registered, *decision.events]
    decision.details = c.Details(trace=command.trace)
    decision.task.version = 1
    return decision


def _take_present(
    task: Task, command: c.ReportTask, now: Instant, known: Known
) -> Decision | Needs:
    report = command.report
    if report.shard is not None and known.shards is None:
        return Needs.SHARDS
    after = task.draft()
    decision = Decision(after)
    if report.shard is not None:
        decision.shards = _take_shard(after, report, known.shards or {}, now)
    if absorbs(task, report):
        end = absorb_report(after, report)
    elif known.timeline is None:
        return Needs.TIMELINE
    else:
        end = refold(after, [*known.timeline, report])
    if report.results and not _is_late(after, report):
        after.has_result = True
    answer = _answer(task, decision, report, end)
    return _conclude(decision, task, command, now, answer, task.attempt)


def _take_shard(
    task: Task, report: Report, shards: Mapping[int, Shard], now: Instant
) -> list[Shard]:
    """Let the shard follow the report, and give it if that changed it; the tally goes with it."""
    assert report.shard is not None
    before = shards.get(report.shard.index)
    after = follow(before, report, now)
    tally = (task.shards or ShardTally()).moved(shards, after)
    tally.started_at = earliest(tally.started_at, ran_at(report))
    tally.told = tally.told or tells(report)
    task.shards = tally
    return [] if after == before else [after]


def _take_past(
    task: Task, command: c.ReportTask, now: Instant, known: Known, attempt: int
) -> Decision | Needs:
    """Take a report about an attempt that is over: only what it says beyond that attempt counts."""
    report = command.report
    after = task.draft()
    decision = Decision(after)
    ambiguous = report.attempt is None and attempt > 1
    if report.shard is not None or report.tells_of_task or ambiguous:
        if known.timeline is None:
            return Needs.TIMELINE
        if report.shard is not None and known.shards is None:
            return Needs.SHARDS
        attempt = attempt_meant(report, attempts_of(known.timeline))
        log = [*known.timeline, report]
        if known.shards is not None:
            shards, after.shards = refold_shards(log, known.shards, now)
            decision.shards = [s for s in shards.values() if s != known.shards.get(s.index)]
        refold(after, log)
    if report.ends:
        answer = _PAST_END
    elif decision.shards or report.metadata or not after.looks_like(task):
        answer = _BESIDE_PAST
    else:
        answer = _PAST
    return _conclude(decision, task, command, now, answer, attempt)


def _answer(before: Task, decision: Decision, report: Report, end: Report | None) -> Answer:
    """What became of a report about the present attempt; `end` is the one whose end decides."""
    after = decision.task
    assert after is not None
    moved = decision.shards or report.shard is None
    if moved and not after.is_settled and report.mark >= before.mark:
        corrects = before.settled_by is not SettledBy.NOBODY and not after.is_final
        return _CORRECTS if corrects else _APPLIED
    answer = _answer_to_end(before, after, report, end) if report.ends else None
    if answer is not None:
        return answer
    if decision.shards or report.metadata or report.results or not before.looks_like(after):
        return _BESIDE_END if after.is_settled else _IN_PLACE
    if not after.is_settled:
        return _OUTDATED
    return _UNDOES_END if _undoes_end(after, report, end) else _ENDED


def _answer_to_end(before: Task, after: Task, report: Report, end: Report | None) -> Answer | None:
    """What became of a reported end; None: it says no other than the one that decides."""
    if after.settled_by is SettledBy.OPERATOR:
        return _LATE if _is_late(after, report) else _CONFIRMS
    if end is not report:
        return None if after.state is report.state else _OUTDATED_END
    if before.state is after.state or not before.is_final:
        return _APPLIED
    return _OVERRULES if before.settled_by is SettledBy.REPORT else _CORRECTS


def _undoes_end(task: Task, report: Report, end: Report | None) -> bool:
    """Whether a report would, by its time alone, take back the reported end of `task`."""
    if report.state is None or report.ends or task.settled_by is SettledBy.OPERATOR:
        return False
    return end is None or end.mark < report.mark


def _is_late(task: Task, report: Report) -> bool:
    """Whether an operator has ended the task otherwise than the report does."""
    return (
        report.ends
        and task.settled_by is SettledBy.OPERATOR
        and not report.state is task.state is TaskState.CANCELLED
    )


def _conclude(
    decision: Decision,
    before: Task,
    command: c.ReportTask,
    now: Instant,
    answer: Answer,
    attempt: int,
) -> Decision:
    """Complete a decision whose task and shards are decided."""
    report, after = command.report, decision.task
    assert after is not None
    verdict = answer[0]
    kept = report.results and verdict is not Verdict.LATE and attempt == after.attempt
    if report.metadata or kept or decision.shards or not before.looks_like(after):
        after.version = before.version + 1
        after.updated_at = now
    event = _event(before, after, command, now, answer)
    event.attempt = attempt
    event.dedup = report.dedup
    event.fact = report
    decision.events = [event]
    decision.verdict, decision.reason = verdict, event.reason
    if report.metadata:
        decision.metadata = (report.metadata, report.mark)
    if report.results:
        late = verdict is Verdict.LATE or attempt < after.attempt
        decision.results = _results(report, attempt, late=late)
    said = report.shard
    if said is not None and said.has_result:
        final = said.state is not None and said.state.is_final
        decision.shard_results = {said.index: (said.result, rank(report.mark, final=final))}
    return decision


def _event(before: Task, after: Task, command: c.ReportTask, now: Instant, answer: Answer) -> Event:
    verdict, reason = answer
    return Event(
        type=EventType.TASK_REPORTED,
        at=now,
        attempt=after.attempt,
        before=before.state,
        after=after.state,
        version=after.version,
        actor=command.actor,
        source=command.report.source,
        verdict=verdict,
        reason=command.report.note if reason is None else reason,
    )


def _results(report: Report, attempt: int, *, late: bool) -> Sequence[ResultRecord]:
    standing = rank(report.mark, final=report.ends)
    return [ResultRecord(attempt, standing, late, result) for result in report.results]
