"""How a task stands, and what it brought forth, from its shards."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwork.domain.shards import (
    ERROR_MESSAGE_MAX,
    Shard,
    ShardTally,
    aggregate,
    assemble,
    follow,
    shards_error,
)
from farwork.domain.values import Fault, Json, TaskState
from tests.domain.words import SECOND, report, shard

NOW = 1_000 * SECOND


@pytest.mark.parametrize(
    ("states", "items_total", "standing"),
    [
        ("queued", None, ("running", None)),
        ("created blocked queued", None, ("running", None)),
        ("succeeded running", None, ("running", None)),
        ("failed queued", None, ("running", None)),
        ("succeeded", None, ("succeeded", None)),
        ("succeeded succeeded", 2, ("succeeded", None)),
        ("succeeded succeeded", 3, ("running", "incomplete")),
        ("succeeded succeeded", 1, ("succeeded", None)),
        ("succeeded failed cancelled", None, ("failed", "shards")),
        ("failed", 2, ("failed", "shards")),
        ("succeeded cancelled", None, ("cancelled", "shards")),
    ],
)
def test_the_task_stands_as_its_shards_make_it(
    states: str, items_total: int | None, standing: tuple[str, str | None]
) -> None:
    assert aggregate(tally_of(states), items_total) == standing


@given(st.lists(st.sampled_from(TaskState), min_size=1), st.none() | st.integers(1, 9))
def test_a_success_covers_every_announced_item(
    states: list[TaskState], items_total: int | None
) -> None:
    tally = tally_of(" ".join(states))
    if aggregate(tally, items_total)[0] is TaskState.SUCCEEDED:
        assert set(states) == {TaskState.SUCCEEDED}
        assert tally.items_succeeded >= (items_total or 0)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(TaskState), st.integers(1, 3))))
def test_a_tally_kept_step_by_step_is_the_tally_of_the_shards(
    steps: list[tuple[int, TaskState, int]],
) -> None:
    shards: dict[int, Shard] = {}
    tally = ShardTally()
    for at, (index, state, items) in enumerate(steps):
        after = Shard(index, state, item_count=items, updated_at=at)
        tally = tally.moved(shards, after)
        shards[index] = after
    assert tally == ShardTally.of(shards)


def test_a_tally_counts_shards_items_and_results() -> None:
    shards = [
        Shard(0, TaskState.SUCCEEDED, item_count=4, has_result=True, updated_at=7),
        Shard(1, TaskState.FAILED, item_count=2, updated_at=9),
        Shard(2, TaskState.CANCELLED, updated_at=8),
        Shard(3, TaskState.RUNNING, item_count=3, updated_at=99),
    ]
    assert ShardTally.of({s.index: s for s in shards}, started=5) == ShardTally(
        total=4,
        open=1,
        succeeded=1,
        failed=1,
        cancelled=1,
        items=10,
        items_succeeded=4,
        items_ended=7,
        with_result=1,
        started_at=5,
        ended_at=9,
    )


@pytest.mark.parametrize(
    ("states", "items_total", "percent"),
    [
        ("", None, 0.0),
        ("queued running", None, 0.0),
        ("succeeded failed running queued", None, 50.0),
        ("succeeded", 4, 25.0),
        ("succeeded succeeded", 1, 100.0),
    ],
)
def test_the_percentage_is_that_of_the_announced_items_whose_shard_has_ended(
    states: str, items_total: int | None, percent: float
) -> None:
    assert tally_of(states).percent(items_total) == percent


def tally_of(states: str) -> ShardTally:
    return ShardTally.of({n: Shard(n, TaskState(word)) for n, word in enumerate(states.split())})


# The result


@pytest.mark.parametrize(
    ("shards", "result"),
    [
        pytest.param([((0, 1), {"0": 5})], {"0": 5}, id="one item: as it is"),
        pytest.param([((0, 1), [1, 2])], [1, 2], id="one item that is a list: as it is"),
        pytest.param([((0, 1), None)], None, id="one item without a result"),
        pytest.param([((0, 2), [1, 2])], [1, 2], id="one batch"),
        pytest.param([((0, 1), "a"), ((1, 1), "b")], ["a", "b"], id="one entry an item"),
        pytest.param([((0, 1), [1]), ((1, 1), [2])], [[1], [2]], id="a list as one entry"),
        pytest.param([((0, 3), [1, 2]), ((3, 1), 9)], [1, 2, None, 9], id="padded"),
        pytest.param([((0, 2), [1, 2, 3]), ((2, 1), 9)], [1, 2, 9], id="cut"),
        pytest.param([((0, 2), "x"), ((2, 1), 9)], ["x", "x", 9], id="not a list: once an item"),
        pytest.param([((0, 2), None)], [None, None], id="a batch without a result"),
        pytest.param([((5, 1), "late"), ((0, 1), "early")], ["early", "late"], id="by offset"),
        pytest.param([], [], id="no shard"),
    ],
)
def test_the_result_of_a_task_is_put_together_from_its_shards(
    shards: list[tuple[tuple[int, int], Json]], result: Json
) -> None:
    parts = [
        (Shard(index, item_offset=offset, item_count=count), data)
        for index, ((offset, count), data) in enumerate(shards)
    ]
    assert assemble(parts) == result


def test_shards_of_one_offset_are_taken_by_index() -> None:
    assert assemble([(Shard(1), "b"), (Shard(0), "a")]) == ["a", "b"]


# What went wrong


def test_the_error_names_the_failed_shards_by_index() -> None:
    shards = [
        Shard(3, TaskState.FAILED, error=Fault("oom", "too large")),
        Shard(0, TaskState.SUCCEEDED, error=Fault("ignored", "ignored")),
        Shard(1, TaskState.FAILED),
        Shard(2, TaskState.FAILED, error=Fault("oom")),
    ]
    assert shards_error(shards) == Fault(
        "oom", "shard 1: failed; shard 2: failed; shard 3: too large"
    )


@pytest.mark.parametrize(
    ("categories", "category"),
    [(["oom", "oom"], "oom"), (["oom", None], "oom"), (["oom", "disk"], "shards"), ([], "shards")],
)
def test_the_category_is_that_of_the_shards_if_they_agree(
    categories: list[str | None], category: str
) -> None:
    shards = [Shard(n, TaskState.FAILED, error=Fault(c)) for n, c in enumerate(categories)]
    assert shards_error(shards).category == category


@pytest.mark.parametrize(("spare", "last"), [(0, "x"), (1, "…")])
def test_an_error_that_is_too_long_is_cut(spare: int, last: str) -> None:
    error = Fault(message="x" * (ERROR_MESSAGE_MAX - len("shard 0: ") + spare))
    message = shards_error([Shard(0, TaskState.FAILED, error=error)]).message
    assert message is not None
    assert (len(message), message[:10], message[-1]) == (ERROR_MESSAGE_MAX, "shard 0: x", last)


# One shard


def test_an_unknown_shard_becomes_known_by_what_is_said_of_it() -> None:
    said = report(5, shard=shard(7, TaskState.RUNNING, item_count=3, queue="chip")).report
    assert follow(None, said, NOW) == Shard(
        7,
        TaskState.RUNNING,
        item_count=3,
        queue="chip",
        created_at=NOW,
        updated_at=5 * SECOND,
        mark=said.mark,
        field_marks={"item_count": said.mark, "queue": said.mark},
    )


def test_a_shard_of_which_nothing_is_said_is_queued() -> None:
    assert follow(None, report(5, shard=shard(0)).report, NOW) == Shard(
        0, created_at=NOW, updated_at=NOW
    )


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ([(1, "queued"), (2, "running")], "running"),
        ([(2, "running"), (1, "succeeded")], "succeeded"),
        ([(1, "failed"), (2, "succeeded")], "succeeded"),
        ([(2, "failed"), (1, "succeeded")], "failed"),
        ([(1, "running"), (2, None)], "running"),
    ],
)
def test_a_shard_follows_the_latest_end_else_the_latest_word(
    said: list[tuple[int, str | None]], state: str
) -> None:
    for order in (said, said[::-1]):
        known = None
        for at, word in order:
            statement = shard(0, None if word is None else TaskState(word))
            known = follow(known, report(at, shard=statement).report, NOW)
        assert known is not None
        assert known.state == state


def test_each_description_of_a_shard_follows_the_latest_word_that_gives_it() -> None:
    said = [
        report(1, shard=shard(0, external_ref="p1", item_offset=4)),
        report(2, shard=shard(0, external_ref="p2")),
        report(3, shard=shard(0, item_count=2)),
    ]
    known = None
    for one in reversed(said):
        known = follow(known, one.report, NOW)
    assert known is not None
    assert (known.external_ref, known.item_offset, known.item_count) == ("p2", 4, 2)


def test_a_shard_that_had_a_result_keeps_it() -> None:
    first = follow(None, report(1, shard=shard(0, result=None)).report, NOW)
    second = follow(first, report(2, shard=shard(0, TaskState.RUNNING)).report, NOW)
    assert [first.has_result, second.has_result] == [True, True]


def test_final_shards_rank_above_all_others_and_then_by_time() -> None:
    said = {9: TaskState.QUEUED, 1: TaskState.FAILED, 2: TaskState.SUCCEEDED}
    shards = [
        follow(None, report(at, shard=shard(0, state)).report, NOW) for at, state in said.items()
    ]
    assert all(lower.rank < higher.rank for lower, higher in pairwise(shards))
