"""The record itself, and the times in it."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from farwork.domain.errors import TimeOutOfRange
from farwork.domain.task import CHANGEABLE_FIELDS, IDENTITY_FIELDS, Task
from farwork.domain.values import (
    FINAL_STATES,
    SettledBy,
    TaskState,
    earliest,
    instant,
    moment,
)

TASK = Task("default", "t", 1, 2, labels={"x": "1"}, inputs=("a",))


def test_a_draft_is_an_equal_copy_that_changes_alone() -> None:
    draft = TASK.draft()
    assert draft == TASK
    draft.state = TaskState.RUNNING
    assert TASK.state is TaskState.CREATED


@pytest.mark.parametrize("state", TaskState)
def test_three_states_are_final(state: TaskState) -> None:
    final = state in ("succeeded", "failed", "cancelled")
    assert (state.is_final, state in FINAL_STATES) == (final, final)
    assert replace(TASK, state=state).is_final is final


@pytest.mark.parametrize("by", SettledBy)
def test_reports_and_operators_settle_a_task(by: SettledBy) -> None:
    settled = by in ("report", "operator")
    assert replace(TASK, settled_by=by).is_settled is settled


def test_readers_see_a_change_of_state_and_none_in_our_bookkeeping() -> None:
    booked = replace(TASK, pk=9, created_at=9, updated_at=9, version=9, inputs_pending=9, mark="9")
    assert TASK.looks_like(booked)
    assert not TASK.looks_like(replace(TASK, state=TaskState.RUNNING))


def test_what_may_be_changed_are_fields_of_a_task() -> None:
    assert set(IDENTITY_FIELDS) < CHANGEABLE_FIELDS <= {f.name for f in fields(Task)}


@pytest.mark.parametrize(
    ("known", "said", "first"), [(None, None, None), (None, 1, 1), (2, None, 2), (3, 2, 2)]
)
def test_the_earliest_of_two_instants_is_the_one_that_is_known(
    known: int | None, said: int | None, first: int | None
) -> None:
    assert earliest(known, said) == first


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        (253_402_300_799_999_999, datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_an_instant_counts_microseconds_exactly(at: int, shown: datetime) -> None:
    assert (moment(at), instant(shown)) == (shown, at)


def test_a_moment_without_a_zone_is_utc_and_any_zone_is_understood() -> None:
    naive = datetime(2026, 11, 22, 2, 0)  # noqa: DTZ001 - what a sender without a zone sends
    there = datetime(2026, 11, 22, 4, 30, tzinfo=timezone(timedelta(hours=2, minutes=30)))
    assert instant(naive) == instant(there)


@pytest.mark.parametrize(
    "there",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2))),
    ],
)
def test_a_moment_of_which_utc_has_no_year_is_refused(there: datetime) -> None:
    with pytest.raises(TimeOutOfRange, match="is outside of the years 1 to 9999 in UTC"):
        instant(there)
