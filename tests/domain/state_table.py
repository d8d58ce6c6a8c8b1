"""The whole state table, found by asking: a task in every state, every command, what becomes of it.

`python -m tests.domain.state_table` writes it to docs/state_machine.md.
"""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from farwork.domain import commands as c
from farwork.domain.decision import Decision
from farwork.domain.task import Task
from farwork.domain.values import OnInputFailure, TaskState
from tests.domain import words as w
from tests.domain.ledger import Ledger, Outcome, tell

PAGE = Path(__file__).parents[2] / "docs" / "state_machine.md"

# What is reported of a task in its situation happened at second 50, its commands are given at 100.
BEFORE, SINCE, AFTER = 49, 50, 500

SITUATIONS = (
    "no task",
    "created",
    "blocked",
    "queued",
    "running",
    "running: leased",
    "running: lost",
    "running: cancelling",
    "succeeded",
    "failed",
    "cancelled",
    "failed: inferred",
    "cancelled: operator",
)

INTRODUCTION = """\
# State machine

What becomes of a task in every state when a command is given or a report comes in. This page is
made by asking the code (`make generated`); do not edit it.

The columns are the states; `failed` and `cancelled` stand there on a report's word. Two columns
show ends on another's word: one that the server inferred, which what is heard later corrects, and
one that an operator decided, which nothing corrects. The task that an operator cancelled has a
success that came too late. Three columns show tasks that a worker holds: under a lease, after it
fell silent, and while it is asked to cancel. All of them have a second attempt.

A final task goes back in two ways only: by an operator's retry, and when an end that the server
inferred turns out wrong.
"""
COMMANDS_LEGEND = """\
## Commands

A cell is the state from then on, the code of the *refusal*, or unchanged. None of these tasks is
archived.
"""
LEASES_LEGEND = """\
## Leases

What workers say, showing the lease 1, and what time brings about. A cell is as above; that of a
report begins with its verdict.
"""
KEEPING_LEGEND = """\
## Keeping

Where the record of a task is kept. None of these tasks is under a legal hold.
"""
SHARDS_LEGEND = """\
## Shards

What is done to the shards of a task that has one, which is queued. A cell is as above.
"""
INPUTS_LEGEND = """\
## Inputs

What happens to the inputs of a task that has one, under its policy `on_input_failure`.
"""
REPORTS_LEGEND = """\
## Reports

A cell is the verdict, with the state from then on where the report was applied. An *earlier* report
tells of a time before the one from which the task's state dates, a *later* one of a time after it
and after all commands.
"""


def commands() -> dict[str, c.Command]:
    """Every command but those that tell of inputs and reports."""
    imported = Task("default", w.TASK, 0, 0, state=TaskState.RUNNING)
    return {
        "create": w.create(),
        "import (it runs)": c.ImportTask(task_id=w.TASK, task=imported, details=c.Details()),
        "submit": w.submit(),
        "cancel": w.cancel(),
        "expire (it failed)": w.expire(),
        "retry": w.retry(),
        "adopt": w.adopt(),
        "change": w.change(priority=1),
        "cancel (by force)": c.CancelTask(task_id=w.TASK, force=True),
    }


def lease_commands() -> dict[str, c.Command]:
    """Every command of those who hold tasks, and of time."""
    return {
        "claim": w.claim(),
        "its holder reports progress": w.said_by_holder(AFTER, percent=5.0),
        "its holder reports success": w.said_by_holder(AFTER, TaskState.SUCCEEDED),
        "its holder reports failure": w.said_by_holder(AFTER, TaskState.FAILED),
        "an earlier holder reports success": w.said_by_holder(AFTER, TaskState.SUCCEEDED, seq=9),
        "its holder gives a sign of life": w.renew(),
        "its holder hands it back": w.hand_back(),
        "its holder refuses to cancel": w.answer_cancel(refused=True),
        "its lease runs out": w.reap(),
        "a limit runs out": w.check_deadline(),
        "its time comes": w.wake(),
    }


def keeping_commands() -> dict[str, c.Command]:
    """Every command about where the record of the task is kept."""
    return {
        "archive": c.ArchiveTask(task_id=w.TASK),
        "restore": c.RestoreTask(task_id=w.TASK),
        "delete": c.DeleteTask(task_id=w.TASK),
        "hold": c.HoldTask(task_id=w.TASK, reason="case 17"),
        "release": c.ReleaseTask(task_id=w.TASK),
    }


def shard_commands() -> dict[str, c.Command]:
    """Every command about shards."""
    return {
        "add one": w.add_shards(5),
        "add one (its holder)": w.add_shards(5, seq=1),
        "retry one": w.retry_shard(),
        "cancel one": w.cancel_shard(),
    }


def reports() -> dict[str, c.ReportTask]:
    """Reports of every state, about a time before and after."""
    states = [*TaskState, None]
    return {
        f"{when}: {state or 'no state'}": w.report(at, state, percent=None if state else 5.0)
        for when, at in (("earlier", BEFORE), ("later", AFTER))
        for state in states
    } | {"of an attempt to come": w.report(AFTER, TaskState.RUNNING, attempt=9)}


def inputs() -> dict[str, tuple[OnInputFailure, c.Command]]:
    """What may happen to the input of a task, and the policy under which it does."""
    failed = w.input_ended(succeeded=False)
    return {
        "it succeeded": (OnInputFailure.CANCEL, w.input_ended()),
        "it failed: `cancel`": (OnInputFailure.CANCEL, failed),
        "it failed: `hold`": (OnInputFailure.HOLD, failed),
        "it failed: `run`": (OnInputFailure.RUN, failed),
        "it is open again": (OnInputFailure.CANCEL, w.input_ended(reopened=True)),
    }


def in_situation(situation: str, **said: Any) -> Ledger:
    """A ledger whose task stands as the situation says, created as `said`."""
    ledger = Ledger()
    state, _, by = situation.partition(": ")
    if situation == "no task":
        return ledger
    if state == "blocked":
        said = {"inputs": 1, **said}
    said = {"attempts_max": 2, **said}
    tell(ledger, w.create(submit=state != "created", **said))
    if by == "inferred":
        tell(ledger, w.expire())
    elif by == "operator":
        tell(ledger, w.cancel(), w.report(SINCE, TaskState.SUCCEEDED))
    elif by in ("leased", "lost", "cancelling"):
        if ledger.known.state is TaskState.BLOCKED:
            tell(ledger, w.report(SINCE, TaskState.QUEUED))
        tell(ledger, w.claim(lease_s=1))
        if by == "lost":
            tell(ledger, w.claim(), w.reap())
        elif by == "cancelling":
            tell(ledger, w.cancel())
    elif state not in ("created", "blocked"):
        tell(ledger, w.report(SINCE, TaskState(state)))
    assert ledger.known.state == state
    return ledger


def cell(ledger: Ledger, command: c.Command) -> str:
    """What becomes of the ledger's task when the command is given."""
    before = len(ledger.log)
    tell(ledger, deepcopy(command))
    outcome = ledger.steps[-1].outcome
    return _words(outcome, ledger.task) if len(ledger.log) > before else _silence(outcome)


def _words(outcome: Outcome, task: Task | None) -> str:
    assert isinstance(outcome, Decision)
    if task is None:
        return "gone"
    if outcome.verdict is None or outcome.verdict == "applied":
        return " ".join(word for word in (outcome.verdict, task.state) if word)
    return outcome.verdict.value


def _silence(outcome: Outcome) -> str:
    return "unchanged" if isinstance(outcome, Decision) else f"*{outcome.code}*"


Table = Mapping[str, Mapping[str, str]]


def command_table() -> Table:
    """What becomes of a task in each situation when a command is given."""
    return {
        name: {situation: cell(in_situation(situation), command) for situation in SITUATIONS}
        for name, command in commands().items()
    }


def lease_table() -> Table:
    """What becomes of a task in each situation when a worker calls, or time runs out."""
    return {
        name: {situation: cell(in_situation(situation), command) for situation in SITUATIONS}
        for name, command in lease_commands().items()
    }


def keeping_table() -> Table:
    """What becomes of a task in each situation when its record is put elsewhere."""
    return {
        name: {situation: cell(in_situation(situation), command) for situation in SITUATIONS}
        for name, command in keeping_commands().items()
    }


def shard_table() -> Table:
    """What becomes of a task in each situation when something is done to a shard of it."""
    return {
        name: {
            situation: cell(in_situation(situation, shards=1), command) for situation in SITUATIONS
        }
        for name, command in shard_commands().items()
    }


def input_table() -> Table:
    """What becomes of a task in each situation when something happens to its only input."""
    return {
        name: {
            situation: cell(in_situation(situation, inputs=1, on_input_failure=policy), command)
            for situation in SITUATIONS
        }
        for name, (policy, command) in inputs().items()
    }


def report_table() -> Table:
    """What becomes of a report, and of a task in each situation, when the report comes in."""
    return {
        name: {situation: cell(in_situation(situation), command) for situation in SITUATIONS}
        for name, command in reports().items()
    }


def flat(table: Table) -> dict[str, str]:
    """The table with one entry a cell."""
    return {
        f"{situation} + {command}": cell
        for command, row in table.items()
        for situation, cell in row.items()
    }


def page() -> str:
    """The text of docs/state_machine.md."""
    parts = [
        INTRODUCTION,
        COMMANDS_LEGEND,
        _shown(command_table()),
        LEASES_LEGEND,
        _shown(lease_table()),
        KEEPING_LEGEND,
        _shown(keeping_table()),
        SHARDS_LEGEND,
        _shown(shard_table()),
        INPUTS_LEGEND,
        _shown(input_table()),
        REPORTS_LEGEND,
        _shown(report_table()),
    ]
    return "\n".join(parts)


def _shown(table: Table) -> str:
    rows = [["", *SITUATIONS], ["---"] * (len(SITUATIONS) + 1)]
    rows += [[name, *cells.values()] for name, cells in table.items()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(page())
