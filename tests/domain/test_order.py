"""Order does not matter: whatever way reports come in, they make the same task."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from farwork.domain import commands as c
from farwork.domain.facts import Adopted, Fact, Opened
from farwork.domain.fold import refold
from farwork.domain.shard_fold import refold_shards
from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.timeline import attempts_of
from farwork.domain.values import Verdict
from tests.domain.histories import History, histories, many, spread
from tests.domain.ledger import Ledger


@many
@given(histories(), st.data())
def test_reports_between_two_commands_may_come_in_any_order(
    history: History, data: st.DataObject
) -> None:
    shuffled = [data.draw(st.permutations(gap)) for gap in history.gaps]
    here, there = history.play(), history.play(shuffled)
    assert_same_record(here, there)
    assert here.results == there.results


@many
@given(histories(), st.data())
def test_reports_may_come_before_or_after_a_command_that_is_accepted_either_way(
    history: History, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(history.reports))
    moved = data.draw(spread(shuffled, len(history.acts), history.first_gap))
    here, there = history.play(), history.play(moved)
    assume(as_sets(here.facts) == as_sets(there.facts))
    if any(isinstance(fact, Adopted) for fact in here.facts):
        # What is reported beside an adopted end came in time or late: that only arrival tells.
        assume(here.task is None or here.known.has_result == there.known.has_result)
    assert_same_record(here, there)


@many
@given(histories())
def test_reports_may_come_one_by_one_or_in_batches(history: History) -> None:
    at_once, one_by_one = history.play(), history.play(pause=7)
    assert_same_record(at_once, one_by_one)
    assert at_once.results == one_by_one.results


@many
@given(histories(), st.data())
def test_reports_may_come_again_at_any_time(history: History, data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(history.reports), max_size=4))
    shuffled = data.draw(st.permutations([*history.reports, *again]))
    gaps = data.draw(spread(shuffled, len(history.acts), history.first_gap))
    often, once = history.play(gaps), history.play(first_of_each(gaps))
    assert often.task == once.task
    assert_same_record(often, once)
    assert len(often.log) - len(once.log) == often.verdicts.count(Verdict.DUPLICATE) == len(again)


@many
@given(histories())
def test_absorbing_facts_as_they_come_gives_the_same_task_as_folding_the_whole_log(
    history: History,
) -> None:
    ledger = history.play()
    assume(ledger.task is not None)
    assert ledger.task is not None
    folded = forgetful(ledger.task)
    shards, folded.shards = refold_shards(ledger.facts, ledger.shards, now=0)
    refold(folded, ledger.facts)
    assert (folded, shards) == (ledger.task, ledger.shards)


def forgetful(task: Task) -> Task:
    """The task, with nonsense in every field that its facts decide."""
    decided = {field.name for field in fields(Opened)} & {field.name for field in fields(Task)}
    decided -= {"attempt", "shards", *task.pinned}
    decided |= {"worker", "cancel"}
    return replace(task, **dict.fromkeys(decided, "nonsense"))


def first_of_each(gaps: list[list[c.ReportTask]]) -> list[list[c.ReportTask]]:
    seen: set[int] = set()
    firsts: list[list[c.ReportTask]] = []
    for gap in gaps:
        firsts.append([])
        for one in gap:
            if one.report.dedup not in seen:
                seen.add(one.report.dedup)
                firsts[-1].append(one)
    return firsts


def as_sets(log: Sequence[Fact]) -> list[tuple[Any, ...]]:
    """What is known of each attempt, without the order in which it became known."""
    return [
        (attempt.number, attempt.opening, sorted(attempt.facts, key=lambda fact: fact.mark))
        for attempt in attempts_of(log)
    ]


def assert_same_record(here: Ledger, there: Ledger) -> None:
    assert compared(here.task) == compared(there.task)
    assert here.metadata == there.metadata
    assert here.shard_results == there.shard_results
    assert {index: compared_shard(shard) for index, shard in here.shards.items()} == {
        index: compared_shard(shard) for index, shard in there.shards.items()
    }


def compared(task: Task | None) -> Task | None:
    """The task without what tells when, and in how many steps, it became what it is."""
    return task and replace(task, pk=0, created_at=0, updated_at=0, version=0, deadline_at=None)


def compared_shard(shard: Shard) -> Shard:
    return replace(shard, created_at=0, updated_at=shard.updated_at if shard.mark else 0)
