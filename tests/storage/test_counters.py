"""Counters change with the tasks that they count; a recount always finds the same."""

from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from farwork.domain import commands as c
from farwork.domain.errors import DomainError
from farwork.storage import part_reader
from farwork.storage import tables as t
from farwork.storage.audit import holes
from farwork.storage.bulk import Chunk, archive_chunk, delete_chunk, restore_chunk
from farwork.storage.log_check import unlike_their_logs
from farwork.storage.store import Store
from tests.storage.commands import IDS, writes
from tests.storage.conftest import PROJECTS
from tests.storage.desk import PATIENCE_S, Desk, report, said
from tests.storage.recount import counted, recounted


def machine_on(store: Store) -> type[RuleBasedStateMachine]:
    class Counting(RuleBasedStateMachine):
        """Random commands, alone, together, refused and in bulk."""

        @initialize()
        def begin(self) -> None:
            self.desk = Desk(store, f"project-{next(PROJECTS)}")
            self.position = 0

        @rule(write=writes())
        def write(self, write: tuple[list[c.Command], bool]) -> None:
            commands, atomic = write
            with suppress(DomainError):
                self.desk.give(*commands, atomic=atomic)

        @rule(several=st.lists(writes(), min_size=2, max_size=4))
        def write_together(self, several: list[tuple[list[c.Command], bool]]) -> None:
            futures = self.desk.together(
                *(partial(self.desk.hand, *commands, atomic=atomic) for commands, atomic in several)
            )
            errors = [future.exception() for future in futures]
            assert all(error is None or isinstance(error, DomainError) for error in errors)

        @rule(
            ids=st.lists(IDS, min_size=1, unique=True),
            work=st.sampled_from([archive_chunk, restore_chunk, delete_chunk]),
        )
        def change_many(self, ids: list[str], work: Any) -> None:
            self.desk.store.work(work(Chunk(self.desk.project, ids))).result(PATIENCE_S)

        @invariant()
        def counters_are_what_a_recount_finds(self) -> None:
            project = self.desk.project
            assert self.desk.read(lambda con: counted(con, project)) == self.desk.read(
                lambda con: recounted(con, project)
            )

        @invariant()
        def positions_only_grow(self) -> None:
            news = [event.position for event in self.desk.feed(after=self.position)]
            assert news == sorted(set(news))
            assert all(position > self.position for position in news)
            self.position = max(news, default=self.position)

        def teardown(self) -> None:
            """Every task is what its log says, and no event is missing."""
            assert self.desk.read(lambda con: [*holes(con), *unlike_their_logs(con)]) == []

    return Counting


@pytest.mark.timeout(180)
def test_counters_equal_a_recount_whatever_happens(shared_store: Store) -> None:
    run_state_machine_as_test(
        machine_on(shared_store), settings=settings(max_examples=20, stateful_step_count=15)
    )


@pytest.fixture
def counting(desk: Desk) -> Desk:
    desk.create("a", "b", queue="gpu", kind="train", job_id="j")
    desk.create("c", queue="cpu")
    desk.report(said("b", "running", at=1))
    desk.create("d", queue="old")
    desk.do(c.ArchiveTask(task_id="d"))
    return desk


@pytest.mark.parametrize(
    ("by", "archived", "counts"),
    [
        ("state", False, {"queued": 2, "running": 1}),
        ("queue", False, {"cpu": 1, "gpu": 2}),
        ("kind", False, {"": 1, "train": 2}),
        ("queue", True, {"old": 1}),
    ],
)
def test_counts_are_read_by_state_queue_and_kind(
    counting: Desk,
    by: str,
    archived: bool,  # noqa: FBT001 - a parameter
    counts: dict[str, int],
) -> None:
    assert (
        counting.read(lambda con: part_reader.counts(con, counting.project, by, archived=archived))
        == counts
    )


def test_a_count_that_fell_to_nought_is_not_told(counting: Desk) -> None:
    counting.do(c.DeleteTask(task_id="c"))
    project = counting.project
    assert counting.read(lambda con: part_reader.counts(con, project, "queue", archived=False)) == {
        "gpu": 2
    }


@pytest.mark.parametrize(
    ("states", "queue", "archived", "number"),
    [
        ([], None, False, 3),
        (["queued"], None, False, 2),
        (["queued", "running"], "gpu", False, 2),
        ([], "nowhere", False, 0),
        ([], None, True, 1),
    ],
)
def test_the_length_of_a_list_is_read_from_the_counters(
    counting: Desk,
    states: list[str],
    queue: str | None,
    archived: bool,  # noqa: FBT001 - a parameter
    number: int,
) -> None:
    project = counting.project
    assert (
        counting.read(
            lambda con: part_reader.count_matching(
                con, project, states=states, queue=queue, archived=archived
            )
        )
        == number
    )


def test_a_job_comes_into_being_with_its_first_task(desk: Desk) -> None:
    desk.create("a", "b", job_id="j")
    desk.give(report(said("c", "running", at=1, job_id="k")))
    desk.do(c.ChangeTask(task_id="a", fields={"job_id": "l"}))

    def jobs(connection: Any) -> list[str]:
        found = connection.execute(t.jobs.select().where(t.jobs.c.project == desk.project))
        return sorted(row.id for row in found)

    assert desk.read(jobs) == ["j", "k", "l"]
    assert desk.read(lambda con: counted(con, desk.project))[1] == {
        ("j", "queued"): 1,
        ("k", "running"): 1,
        ("l", "queued"): 1,
    }
