"""What holds at every step of every history, and at its end."""

from itertools import pairwise

from hypothesis import assume, given

from farwork.domain import commands as c
from farwork.domain.decision import Decision
from farwork.domain.facts import Adopted, Cancelled, Found, Inferred
from farwork.domain.policy import policy_of
from farwork.domain.reports import Report
from farwork.domain.shards import ShardTally, aggregate
from farwork.domain.task import Task
from farwork.domain.timeline import Attempt, attempts_of
from farwork.domain.values import SettledBy, TaskState, Verdict
from tests.domain.histories import History, histories, many
from tests.domain.ledger import Step


def a_refusal_changes_nothing(step: Step) -> None:
    if not isinstance(step.outcome, Decision):
        assert step.after is step.before


def a_task_is_never_at_odds_with_itself(step: Step) -> None:
    if (task := step.after) is not None:
        assert task.is_final == (task.settled_by is not SettledBy.NOBODY)
        assert task.is_final == (task.completed_at is not None)
        assert task.state is not TaskState.SUCCEEDED or task.percent == 100.0
        assert 0.0 <= task.percent <= 100.0
        assert task.inputs_pending >= 0


def a_final_task_goes_back_only_by_a_retry_or_if_its_end_was_inferred(step: Step) -> None:
    before, after = step.before, step.after
    if before and after and before.is_final and not after.is_final:
        inferred = before.settled_by in (SettledBy.SERVER, SettledBy.SHARDS)
        assert inferred or isinstance(step.command, c.RetryTask | c.RetryShard)


def the_version_grows_with_what_can_be_seen_and_with_nothing_else(step: Step) -> None:
    before, after, decision = step.before, step.after, step.outcome
    if before is None or after is None or not isinstance(decision, Decision):
        return
    seen = (
        not after.looks_like(before)
        or decision.metadata is not None
        or decision.change is not None
        or bool(decision.shards)
        or any(not kept.late and kept.attempt == after.attempt for kept in decision.results)
    )
    assert after.version - before.version == seen
    assert after.updated_at >= before.updated_at
    assert seen or after.updated_at == before.updated_at
    assert {event.version for event in decision.events} <= {after.version}


def a_duplicate_or_stale_report_changes_nothing_that_can_be_seen(step: Step) -> None:
    before, after, decision = step.before, step.after, step.outcome
    if before is None or after is None or not isinstance(decision, Decision):
        return
    if decision.verdict in (Verdict.DUPLICATE, Verdict.STALE):
        assert after.looks_like(before)
        assert after.version == before.version
        assert not decision.metadata
        assert not decision.shards


def a_report_that_moves_the_state_is_applied(step: Step) -> None:
    if step.before is None or step.after is None or step.before.state is step.after.state:
        return
    # One that speaks of a shard as well is answered for what it says of the task.
    if isinstance(step.command, c.LeaseReport) and isinstance(step.outcome, Decision):
        # A late success may be adopted at once.
        assert step.outcome.verdict in (Verdict.APPLIED, Verdict.LATE)
    elif isinstance(step.command, c.ReportTask) and step.command.report.shard is None:
        assert isinstance(step.outcome, Decision)
        assert step.outcome.verdict is Verdict.APPLIED


def the_log_tells_how_the_task_stood_before_and_after(step: Step) -> None:
    if isinstance(step.outcome, Decision) and step.outcome.events:
        last = step.outcome.events[-1]
        assert last.after is (step.after and step.after.state)
        if step.before is not None:
            assert step.outcome.events[0].before is step.before.state
        for earlier, later in pairwise(step.outcome.events):
            assert later.before is earlier.after


def whoever_holds_a_task_shows_the_present_number_of_one_that_has_not_ended(step: Step) -> None:
    before, after, decision = step.before, step.after, step.outcome
    if after is None or not isinstance(decision, Decision):
        return
    assert not (after.is_final and after.worker is not None)
    assert not (after.is_ready and after.worker is not None)
    if before is not None:
        assert after.lease_seq >= before.lease_seq
        taken = before.worker is None and after.worker is not None
        found = isinstance(step.command, c.RenewLease)
        assert not taken or found or after.lease_seq > before.lease_seq
    if decision.lease is not None:
        assert (decision.lease.lease_seq, decision.lease.worker) == (after.lease_seq, after.worker)


def a_stale_lease_changes_nothing_but_by_a_late_success_that_is_adopted(step: Step) -> None:
    before, after = step.before, step.after
    given = getattr(step.command, "lease_seq", None)
    if before is None or after is None or given is None or given == before.lease_seq:
        return
    if isinstance(step.outcome, Decision) and step.outcome.adopted is None:
        assert after.looks_like(before)


PROMISES = (
    whoever_holds_a_task_shows_the_present_number_of_one_that_has_not_ended,
    a_stale_lease_changes_nothing_but_by_a_late_success_that_is_adopted,
    a_refusal_changes_nothing,
    a_task_is_never_at_odds_with_itself,
    a_final_task_goes_back_only_by_a_retry_or_if_its_end_was_inferred,
    the_version_grows_with_what_can_be_seen_and_with_nothing_else,
    a_duplicate_or_stale_report_changes_nothing_that_can_be_seen,
    a_report_that_moves_the_state_is_applied,
    the_log_tells_how_the_task_stood_before_and_after,
)


@many
@given(histories())
def test_every_step_keeps_every_promise(history: History) -> None:
    for step in history.play().steps:
        for promise in PROMISES:
            promise(step)


@many
@given(histories())
def test_the_strongest_word_about_the_present_attempt_decides(history: History) -> None:
    ledger = history.play()
    assume(ledger.task is not None and not history.imports)
    assert strongest_word(ledger.known, attempts_of(ledger.facts)[-1]) == (
        ledger.known.settled_by,
        ledger.known.state,
    )


def strongest_word(task: Task, attempt: Attempt) -> tuple[SettledBy, TaskState]:
    """Whose word decides and what it says, found without folding; no end: the present state."""
    orders = [fact for fact in attempt.facts if isinstance(fact, Cancelled | Adopted)]
    if orders:
        order = max(orders, key=lambda fact: fact.mark)
        state = order.state if isinstance(order, Adopted) else TaskState.CANCELLED
        return SettledBy.OPERATOR, state
    ends = [report for report in attempt.reports if report.ends]
    if ends:
        state = max(ends, key=lambda report: report.mark).state
        assert state is not None
        return SettledBy.REPORT, state
    if task.shards and task.worker is None:
        state, _reason = aggregate(task.shards, task.items_total, policy_of(task).shards_needed)
        if state.is_final:
            return SettledBy.SHARDS, state
    heard = [fact for fact in attempt.facts if isinstance(fact, Report | Inferred | Found)]
    last = max(heard, key=lambda fact: fact.mark, default=None)
    if isinstance(last, Inferred):
        return SettledBy.SERVER, last.state
    return SettledBy.NOBODY, task.state


@many
@given(histories())
def test_the_tally_counts_the_shards(history: History) -> None:
    ledger = history.play()
    tally = ledger.task and ledger.task.shards
    assume(tally is not None)
    assert tally is not None
    assert ShardTally.of(ledger.shards, tally.started_at, told=tally.told) == tally
    assert tally.items >= tally.items_ended >= tally.items_succeeded >= 0
