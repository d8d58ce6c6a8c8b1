"""A fleet under rough treatment, in its shorter form; and a judge who is not blind."""

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from examples.fleet.judge import Evidence, complaints_about
from farwork.sdk import EventOut, ResultOut, StateChange, TaskState
from tests.support.repository import ROOT

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SHORT = ["--tasks", "30", "--workers", "3", "--seconds", "3", "--longest", "0.8", "--lease", "1"]


def test_a_fleet_that_is_killed_frozen_and_cut_off_does_every_task_once() -> None:
    command = [sys.executable, "-m", "examples.fleet.run", *SHORT, "--every", "0.5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (said,) = re.findall(r"^30 tasks in (\d+) attempts, .*$", done.stdout, re.MULTILINE)
    assert int(said) >= 30
    assert "'killed'" in done.stdout


def event(id_: int, type_: str, attempt: int = 1, **more: Any) -> EventOut:
    nothing: dict[str, Any] = dict.fromkeys(EventOut.__struct_fields__)
    said: dict[str, Any] = {"id": id_, "type": type_, "at": NOW, "task_id": "t"}
    known: dict[str, Any] = nothing | said | {"attempt": attempt} | more
    return EventOut(**known)


def result(attempt: int, *, late: bool = False) -> ResultOut:
    data = {"task": "t", "attempt": attempt}
    return ResultOut(
        id=f"r{attempt}", attempt=attempt, name="result", type=None, data=data, files=[],
        late=late, created_at=NOW,
    )  # fmt: skip


CLAIMED = event(1, "task.claimed")
ENDED = event(
    2, "task.reported", verdict="applied", state=StateChange(TaskState.RUNNING, TaskState.SUCCEEDED)
)
RIGHT = Evidence(
    expected=["t"],
    ended={"t": ("succeeded", 1)},
    events=[CLAIMED, ENDED],
    results={"t": [result(1)]},
    finished={("t", 1): 100},
    killed=frozenset(),
    left_in_spools=0,
)


def test_what_is_right_is_not_complained_about() -> None:
    assert complaints_about(RIGHT) == []
    assert (
        complaints_about(
            replace(RIGHT, finished={("t", 1): 100, ("t", 2): 7}, killed=frozenset({7}))
        )
        == []
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ended": {}}, "not those that were created"),
        ({"ended": {"t": ("failed", 1)}}, "not every task succeeded"),
        ({"events": [CLAIMED, ENDED, ENDED]}, "ended more than once"),
        ({"events": [CLAIMED, event(2, "task.claimed", 2), ENDED]}, "was claimed while"),
        (
            {"events": [CLAIMED, event(2, "task.expired"), CLAIMED, ENDED]},
            "for the attempts",
        ),
        ({"results": {"t": [result(2)]}}, "has the results of [2]"),
        ({"results": {"t": [result(1), result(1, late=True)]}}, "two results of one attempt"),
        ({"finished": {}}, "nobody finished these"),
        ({"finished": {("t", 1): 100, ("t", 2): 7}}, "not on the record"),
        ({"left_in_spools": 1}, "not delivered"),
    ],
)
def test_what_is_wrong_is_found(wrong: dict[str, Any], said: str) -> None:
    assert said in " ".join(complaints_about(replace(RIGHT, **wrong)))
