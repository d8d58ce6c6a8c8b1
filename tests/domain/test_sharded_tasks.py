"""A task follows its shards, unless somebody with more authority has spoken."""

import pytest

from farwork.domain.shards import ShardTally
from farwork.domain.values import Fault, SettledBy, TaskState
from tests.domain.ledger import tell, told
from tests.domain.words import SECOND, cancel, change, create, expire, report, shard

QUEUED, RUNNING = TaskState.QUEUED, TaskState.RUNNING
SUCCEEDED, FAILED, CANCELLED = TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED
EARLY, LATER = 50, 500


def test_a_task_runs_while_a_shard_is_open_and_ends_with_the_last() -> None:
    ledger = told(create(shards=2))
    assert (ledger.known.state, ledger.known.percent) == (RUNNING, 0.0)
    tell(ledger, report(3, shard=shard(1, RUNNING)), report(5, shard=shard(1, SUCCEEDED)))
    assert (ledger.known.state, ledger.known.percent) == (RUNNING, 50.0)
    tell(ledger, report(4, shard=shard(0, SUCCEEDED)))
    task = ledger.known
    assert (task.state, task.percent, task.settled_by) == (SUCCEEDED, 100.0, SettledBy.SHARDS)
    assert (task.started_at, task.completed_at) == (3 * SECOND, 5 * SECOND)


def test_a_shard_that_is_outvoted_still_tells_when_the_task_ran() -> None:
    ledger = told(create(shards=1), report(9, shard=shard(0, SUCCEEDED)))
    tell(ledger, report(2, shard=shard(0, RUNNING)))
    assert (ledger.known.started_at, ledger.known.completed_at) == (2 * SECOND, 9 * SECOND)


def test_the_first_word_about_a_shard_makes_a_task_that_has_shards() -> None:
    ledger = told(report(1, shard=shard(0, RUNNING, item_count=3)))
    assert ledger.known.state is RUNNING
    assert ledger.known.shards == ShardTally(total=1, open=1, items=3, started_at=1 * SECOND)


def test_a_task_succeeds_with_as_many_items_as_it_announced_and_no_fewer() -> None:
    ledger = told(create(items_total=3), report(1, shard=shard(0, SUCCEEDED, item_count=2)))
    task = ledger.known
    assert (task.state, task.reason, round(task.percent)) == (RUNNING, "incomplete", 67)
    tell(ledger, report(2, shard=shard(1, SUCCEEDED)))
    assert (ledger.known.state, ledger.known.reason) == (SUCCEEDED, None)


def test_failed_shards_fail_the_task_and_say_why() -> None:
    ledger = told(create(shards=2), report(1, shard=shard(1, FAILED, error=Fault("oom", "big"))))
    assert (ledger.known.state, ledger.known.error) == (RUNNING, None)
    tell(ledger, report(2, shard=shard(0, CANCELLED)))
    task = ledger.known
    assert (task.state, task.reason, task.error) == (
        FAILED,
        "shards",
        Fault("oom", "shard 1: big"),
    )


def test_a_word_about_a_further_shard_corrects_an_end_that_followed_from_shards() -> None:
    ledger = told(create(shards=1), report(1, shard=shard(0, FAILED)))
    tell(ledger, report(2, shard=shard(1, RUNNING)))
    task = ledger.known
    assert ledger.answer == (
        "applied",
        "corrects an end that the server had inferred",
        "running",
    )
    assert (task.completed_at, task.error, task.reason, task.percent) == (None, None, None, 50.0)


@pytest.mark.parametrize("order", [1, -1])
def test_a_reported_end_stands_above_the_shards(order: int) -> None:
    said = [report(1, FAILED, error=Fault("e")), report(2, shard=shard(0, SUCCEEDED))]
    task = told(create(shards=1), *said[::order]).known
    assert (task.state, task.error, task.settled_by) == (FAILED, Fault("e"), SettledBy.REPORT)
    assert task.percent == 100.0


def test_a_reported_success_is_whole_whatever_its_shards_say() -> None:
    task = told(create(shards=2), report(1, SUCCEEDED), report(2, shard=shard(0, RUNNING))).known
    assert (task.state, task.percent) == (SUCCEEDED, 100.0)


def test_an_operator_stands_above_the_shards_which_still_say_how_far_they_are() -> None:
    ledger = told(create(shards=2), cancel(), report(LATER, shard=shard(0, SUCCEEDED)))
    assert ledger.answer == (
        "applied",
        "the attempt has ended; the rest was taken",
        "cancelled",
    )
    assert ledger.known.percent == 50.0


def test_the_end_of_every_shard_stands_above_an_end_that_the_server_inferred() -> None:
    ledger = told(create(shards=2), expire(), report(1, shard=shard(0, SUCCEEDED)))
    assert (ledger.known.state, ledger.known.reason) == (FAILED, "timeout")
    tell(ledger, report(2, shard=shard(1, SUCCEEDED)))
    assert (ledger.known.state, ledger.known.settled_by) == (SUCCEEDED, SettledBy.SHARDS)


def test_a_later_word_about_a_shard_corrects_an_inferred_end() -> None:
    ledger = told(create(shards=1), expire(), report(LATER, shard=shard(0, RUNNING)))
    assert ledger.known.state is RUNNING


def test_a_word_about_a_shard_that_tells_nothing_new_is_stale() -> None:
    ledger = told(create(shards=1), report(2, shard=shard(0, SUCCEEDED)))
    before = ledger.known
    tell(ledger, report(1, shard=shard(0, QUEUED)), report(3, shard=shard(0, QUEUED)))
    assert ledger.known.version == before.version
    assert [event.verdict for event in ledger.log[-2:]] == ["stale", "stale"]


def test_a_success_that_an_operator_finds_incomplete_runs_on() -> None:
    ledger = told(create(items_total=1), report(1, shard=shard(0, SUCCEEDED)))
    tell(ledger, change(items_total=2))
    assert (ledger.known.state, ledger.known.reason) == (RUNNING, "incomplete")
    tell(ledger, change(items_total=None))
    assert ledger.known.state is SUCCEEDED


def test_an_announced_number_of_items_means_nothing_without_shards() -> None:
    ledger = told(create(), report(1, SUCCEEDED), change(items_total=2))
    assert ledger.known.state is SUCCEEDED


def test_a_result_of_a_shard_is_counted_and_kept() -> None:
    ledger = told(create(shards=1), report(1, shard=shard(0, SUCCEEDED, result=[1, 2])))
    assert ledger.known.shards is not None
    assert ledger.known.shards.with_result == 1
    assert ledger.shard_results[0][1] == [1, 2]


@pytest.mark.parametrize("order", [1, -1])
def test_the_end_of_a_shard_gives_its_result_whichever_word_comes_first(order: int) -> None:
    said = [
        report(2, shard=shard(0, RUNNING, result="partial")),
        report(1, shard=shard(0, SUCCEEDED, result="end")),
    ]
    assert told(create(shards=1), *said[::order]).shard_results[0][1] == "end"


def test_a_result_alone_does_not_outweigh_that_of_the_end() -> None:
    ledger = told(create(shards=1), report(1, shard=shard(0, SUCCEEDED, result="end")))
    assert tell(ledger, report(2, shard=shard(0, result="x"))).shard_results[0][1] == "end"
