"""A task follows its shards, unless somebody with more authority has spoken."""

import pytest

from farwork.domain.errors import DomainError
from farwork.domain.reports import ShardStatement
from farwork.domain.shards import Shard, ShardTally
from farwork.domain.values import Fault, Policy, SettledBy, TaskState
from tests.domain.ledger import Ledger, tell, told
from tests.domain.words import (
    SECOND,
    add_shards,
    cancel,
    cancel_shard,
    change,
    claim,
    create,
    expire,
    hand_back,
    reap,
    report,
    retry_shard,
    said_by_holder,
    shard,
)

QUEUED, RUNNING = TaskState.QUEUED, TaskState.RUNNING
SUCCEEDED, FAILED, CANCELLED = TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED
EARLY, LATER = 50, 500


def refused(ledger: Ledger) -> str:
    """The code of the refusal that the last command met."""
    refusal = ledger.steps[-1].outcome
    assert isinstance(refusal, DomainError)
    return refusal.code


def test_a_task_runs_while_a_shard_is_open_and_ends_with_the_last() -> None:
    ledger = told(create(shards=2))
    assert (ledger.known.state, ledger.known.percent) == (QUEUED, 0.0)
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
    assert ledger.known.shards == ShardTally(
        total=1, open=1, items=3, started_at=1 * SECOND, told=True
    )


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


# A task whose shards are only announced


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (shard(0, item_count=2), QUEUED),
        (shard(0, external_ref="p0"), RUNNING),
        (shard(0, QUEUED), RUNNING),
        (shard(0, RUNNING), RUNNING),
    ],
)
def test_a_task_waits_until_a_shard_has_come_to_a_platform(
    said: ShardStatement, state: TaskState
) -> None:
    assert told(create(shards=2), report(1, shard=said)).known.state is state


def test_shards_that_are_created_on_a_platform_make_the_task_run() -> None:
    command = create()
    command.shards = [Shard(0, external_ref="p0")]
    assert told(command).known.state is RUNNING


def test_a_task_that_is_not_let_go_stays_so_with_its_shards() -> None:
    assert told(create(shards=1, submit=False)).known.state is TaskState.CREATED
    assert told(create(shards=1, inputs=1)).known.state is TaskState.BLOCKED


def test_a_worker_holds_a_task_with_shards_until_all_have_ended_well() -> None:
    ledger = told(create(shards=2), claim())
    tell(ledger, said_by_holder(110, shard=shard(0, SUCCEEDED)), said_by_holder(111, SUCCEEDED))
    assert refused(ledger) == "shards_incomplete"
    assert (ledger.known.state, ledger.known.percent) == (RUNNING, 50.0)
    tell(ledger, said_by_holder(112, shard=shard(1, SUCCEEDED)))
    assert ledger.known.state is RUNNING
    tell(ledger, said_by_holder(113, SUCCEEDED))
    assert (ledger.known.state, ledger.known.settled_by) == (SUCCEEDED, SettledBy.REPORT)


def test_a_worker_cannot_declare_a_success_with_fewer_items_than_announced() -> None:
    ledger = told(create(shards=1, items_total=2), claim())
    tell(ledger, said_by_holder(110, shard=shard(0, SUCCEEDED)), said_by_holder(111, SUCCEEDED))
    assert refused(ledger) == "shards_incomplete"


def test_a_shard_is_spoken_of_under_the_present_lease_alone() -> None:
    ledger = told(create(shards=1), claim(), hand_back(), claim())
    tell(ledger, said_by_holder(110, shard=shard(0, SUCCEEDED)))
    assert refused(ledger) == "lease_superseded"
    assert ledger.shards[0].state is QUEUED


def test_the_next_attempt_finds_what_has_succeeded_and_the_rest_queued() -> None:
    ledger = told(create(shards=3, attempts_max=2, policy=Policy(backoff_s=0)), claim())
    tell(ledger, said_by_holder(110, shard=shard(0, SUCCEEDED)))
    tell(ledger, said_by_holder(111, shard=shard(1, FAILED)), said_by_holder(112, FAILED))
    assert (ledger.known.state, ledger.known.attempt) == (QUEUED, 2)
    assert [s.state for s in ledger.shards.values()] == [SUCCEEDED, QUEUED, QUEUED]


def test_a_worker_that_is_lost_after_its_last_shard_leaves_a_success() -> None:
    ledger = told(create(shards=1, attempts_max=2, policy=Policy(grace_s=0)), claim(lease_s=1))
    tell(ledger, said_by_holder(110, shard=shard(0, SUCCEEDED)))
    tell(ledger, *[reap()] * 20)
    task = ledger.known
    assert (task.state, task.attempt, task.settled_by) == (SUCCEEDED, 1, SettledBy.SHARDS)


# So many of them


@pytest.mark.parametrize(
    ("words", "standing"),
    [
        ("succeeded running running", (RUNNING, None)),
        ("succeeded succeeded running", (SUCCEEDED, None)),
        ("succeeded succeeded failed", (SUCCEEDED, None)),
        ("succeeded failed failed", (FAILED, "shards")),
        ("succeeded cancelled cancelled", (CANCELLED, "shards")),
        ("succeeded", (RUNNING, "incomplete")),
    ],
)
def test_a_task_may_succeed_with_so_many_of_its_shards(
    words: str, standing: tuple[TaskState, str | None]
) -> None:
    states = [TaskState(word) for word in words.split()]
    ledger = told(create(policy=Policy(shards_needed=2)))
    tell(ledger, *[report(n + 1, shard=shard(n, state)) for n, state in enumerate(states)])
    assert (ledger.known.state, ledger.known.reason) == standing


def test_so_many_shards_do_not_do_while_items_are_missing() -> None:
    ledger = told(create(items_total=3, policy=Policy(shards_needed=1)))
    tell(ledger, report(1, shard=shard(0, SUCCEEDED)), report(2, shard=shard(1, FAILED)))
    assert (ledger.known.state, ledger.known.reason) == (RUNNING, "incomplete")
    tell(ledger, report(3, shard=shard(2, QUEUED)))
    assert (ledger.known.state, ledger.known.percent) == (SUCCEEDED, 100.0)


# What is done to single shards


def test_shards_are_added_to_a_task_that_waits_or_runs() -> None:
    ledger = told(create(), add_shards(0, 1))
    assert (ledger.known.state, ledger.last.data) == (QUEUED, {"shards": 2})
    tell(ledger, claim(), add_shards(1, 2, seq=1))
    assert [ledger.known.shards and ledger.known.shards.total, ledger.last.data] == [
        3,
        {"shards": 1},
    ]


def test_a_shard_that_is_added_again_is_left_as_it_is_unless_it_is_another() -> None:
    ledger = told(create(), add_shards(0), report(1, shard=shard(0, RUNNING)))
    before = ledger.known
    assert tell(ledger, add_shards(0)).known == before
    tell(ledger, add_shards(0, item_count=7))
    assert refused(ledger) == "shard_exists"


def test_shards_are_added_under_the_present_lease_and_before_the_end() -> None:
    ledger = told(create(), claim(), add_shards(0, seq=9))
    assert refused(ledger) == "lease_superseded"
    tell(ledger, said_by_holder(110, SUCCEEDED), add_shards(0))
    assert refused(ledger) == "task_is_final"


def test_a_shard_that_failed_is_tried_again_while_the_task_runs() -> None:
    ledger = told(create(shards=2), report(1, shard=shard(0, FAILED)), retry_shard())
    assert (ledger.shards[0].state, ledger.known.state) == (QUEUED, RUNNING)
    assert (ledger.last.type, ledger.last.data) == ("task.shard_retried", {"shard": 0})
    tell(ledger, report(2, shard=shard(0, FAILED)))
    assert ledger.answer == ("stale", "something later was known", "running")
    tell(ledger, report(LATER, shard=shard(0, SUCCEEDED)))
    assert ledger.shards[0].state is SUCCEEDED


def test_a_shard_of_a_task_that_ended_is_tried_again_alone_in_another_attempt() -> None:
    ledger = told(create(shards=2), report(1, shard=shard(0, FAILED)))
    tell(ledger, report(2, shard=shard(1, FAILED)), retry_shard(1))
    assert (ledger.known.state, ledger.known.attempt) == (QUEUED, 2)
    assert [ledger.shards[n].state for n in (0, 1)] == [FAILED, QUEUED]
    assert (ledger.last.type, ledger.last.data) == ("task.retried", {"shard": 1})


@pytest.mark.parametrize("state", [QUEUED, RUNNING, SUCCEEDED])
def test_a_shard_is_tried_again_only_when_it_ended_without_success(state: TaskState) -> None:
    ledger = told(create(shards=2), report(1, shard=shard(0, state)), retry_shard())
    assert refused(ledger) == "shard_not_final"


def test_a_shard_that_an_operator_ended_stays_so_whatever_is_reported() -> None:
    ledger = told(create(shards=2), cancel_shard(reason="too dear"))
    assert (ledger.shards[0].state, ledger.shards[0].reason) == (CANCELLED, "too dear")
    tell(ledger, report(LATER, shard=shard(0, SUCCEEDED)), report(1, shard=shard(1, SUCCEEDED)))
    assert (ledger.shards[0].state, ledger.known.state) == (CANCELLED, CANCELLED)
    tell(ledger, retry_shard(), report(LATER + 1, shard=shard(0, SUCCEEDED)))
    assert (ledger.shards[0].state, ledger.known.state) == (SUCCEEDED, SUCCEEDED)


def test_what_has_ended_or_is_not_there_is_not_ended_again() -> None:
    ledger = told(create(shards=1), report(1, shard=shard(0, SUCCEEDED)), cancel_shard())
    assert refused(ledger) == "shard_is_final"
    tell(ledger, cancel_shard(7))
    assert refused(ledger) == "shard_not_found"
    ledger = told(create(shards=2), cancel_shard())
    before = ledger.known
    assert tell(ledger, cancel_shard()).known == before
