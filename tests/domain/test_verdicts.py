"""What becomes of a report: its verdict, why, and how the task stands from then on."""

import pytest

from farwork.domain import commands as c
from farwork.domain.values import TaskState
from tests.domain.ledger import told
from tests.domain.words import SECOND, adopt, cancel, create, expire, report, retry

QUEUED, RUNNING = TaskState.QUEUED, TaskState.RUNNING
SUCCEEDED, FAILED, CANCELLED = TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED

# Commands are given from second 100 on: what happened early is before them, what later after.
EARLY, LATER = 50, 500


@pytest.mark.parametrize(
    ("known", "said", "answer"),
    [
        pytest.param([], report(1, RUNNING), ("applied", None, "running"), id="first word"),
        pytest.param(
            [report(1, RUNNING)], report(2, QUEUED), ("applied", None, "queued"), id="newer word"
        ),
        pytest.param(
            [report(2, RUNNING)],
            report(1, QUEUED, message="waiting"),
            ("applied", "taken in its place, before what was known", "running"),
            id="older word that still tells something",
        ),
        pytest.param(
            [create(), report(2, RUNNING, percent=5.0)],
            report(1, RUNNING, percent=4.0, started_at=2 * SECOND),
            ("applied", "taken in its place, before what was known", "running"),
            id="older word that moves the start",
        ),
        pytest.param(
            [create(), report(1, RUNNING), report(3, RUNNING)],
            report(2, RUNNING),
            ("stale", "something later was known", "running"),
            id="older word that tells nothing",
        ),
        pytest.param(
            [create(), report(1, RUNNING), report(3, RUNNING)],
            report(2, metadata={"loss": 1}),
            ("applied", "taken in its place, before what was known", "running"),
            id="older word with metadata",
        ),
        pytest.param(
            [report(1, RUNNING)], report(2, SUCCEEDED), ("applied", None, "succeeded"), id="end"
        ),
        pytest.param(
            [report(9, RUNNING)],
            report(2, SUCCEEDED),
            ("applied", None, "succeeded"),
            id="end, older than what was known",
        ),
        pytest.param(
            [report(2, FAILED)],
            report(3, SUCCEEDED),
            ("applied", "overrules an end reported for an earlier time", "succeeded"),
            id="another end, later",
        ),
        pytest.param(
            [report(2, SUCCEEDED)],
            report(3, SUCCEEDED),
            ("applied", None, "succeeded"),
            id="the same end, later",
        ),
        pytest.param(
            [report(3, FAILED)],
            report(2, SUCCEEDED),
            ("conflict", "another end is reported for a later time", "failed"),
            id="another end, earlier",
        ),
        pytest.param(
            [report(3, FAILED)],
            report(2, FAILED),
            ("stale", "the attempt has ended", "failed"),
            id="the same end, earlier",
        ),
        pytest.param(
            [report(3, FAILED)],
            report(2, FAILED, labels={"x": "1"}),
            ("applied", "the attempt has ended; the rest was taken", "failed"),
            id="the same end, earlier, with a label",
        ),
        pytest.param(
            [report(2, SUCCEEDED)],
            report(3, RUNNING),
            ("conflict", "the attempt has a reported end, which nothing undoes", "succeeded"),
            id="running again after a reported end",
        ),
        pytest.param(
            [report(1, RUNNING), report(4, FAILED), report(6, message="bye")],
            report(5, RUNNING),
            ("conflict", "the attempt has a reported end, which nothing undoes", "failed"),
            id="running again after a reported end, but before the last word",
        ),
        pytest.param(
            [report(1, RUNNING), report(3, SUCCEEDED)],
            report(2, RUNNING),
            ("stale", "the attempt has ended", "succeeded"),
            id="a word from before the end",
        ),
        pytest.param(
            [report(2, SUCCEEDED)],
            report(3, message="bye"),
            ("stale", "the attempt has ended", "succeeded"),
            id="a word after the end",
        ),
        pytest.param(
            [report(2, SUCCEEDED)],
            report(3, RUNNING, metadata={"loss": 1}),
            ("applied", "the attempt has ended; the rest was taken", "succeeded"),
            id="metadata after the end",
        ),
        pytest.param(
            [create(), expire()],
            report(LATER, RUNNING),
            ("applied", "corrects an end that the server had inferred", "running"),
            id="a later word after an inferred end",
        ),
        pytest.param(
            [create(), expire()],
            report(LATER, percent=3.0),
            ("applied", "corrects an end that the server had inferred", "running"),
            id="a later sign of life after an inferred end",
        ),
        pytest.param(
            [create(), expire()],
            report(EARLY, SUCCEEDED),
            ("applied", "corrects an end that the server had inferred", "succeeded"),
            id="a reported end from before an inferred one",
        ),
        pytest.param(
            [create(), expire()],
            report(EARLY, FAILED),
            ("applied", None, "failed"),
            id="a reported end that confirms the inferred one",
        ),
        pytest.param(
            [create(), expire()],
            report(EARLY, RUNNING, percent=30.0),
            ("applied", "taken in its place, before what was known", "failed"),
            id="a word from before an inferred end",
        ),
        pytest.param(
            [create(), report(LATER, RUNNING), expire()],
            report(EARLY, QUEUED),
            ("applied", "taken in its place, before what was known", "failed"),
            id="an inferred end comes after all that was known of the future",
        ),
        pytest.param(
            [create(), cancel()],
            report(EARLY, SUCCEEDED),
            ("late", "an operator had ended this attempt", "cancelled"),
            id="an end from before the cancellation",
        ),
        pytest.param(
            [create(), cancel()],
            report(LATER, FAILED),
            ("late", "an operator had ended this attempt", "cancelled"),
            id="an end from after the cancellation",
        ),
        pytest.param(
            [create(), cancel()],
            report(LATER, CANCELLED),
            ("applied", "confirms the operator's cancellation", "cancelled"),
            id="the cancellation confirmed",
        ),
        pytest.param(
            [create(), cancel()],
            report(LATER, RUNNING),
            ("stale", "the attempt has ended", "cancelled"),
            id="running on after the cancellation",
        ),
        pytest.param(
            [create(), cancel()],
            report(EARLY, RUNNING, percent=7.0),
            ("applied", "the attempt has ended; the rest was taken", "cancelled"),
            id="progress from before the cancellation",
        ),
        pytest.param(
            [create(), cancel(), report(EARLY, SUCCEEDED), adopt()],
            report(LATER, FAILED),
            ("late", "an operator had ended this attempt", "succeeded"),
            id="another end after an adopted one",
        ),
        pytest.param(
            [create()],
            report(1, RUNNING, attempt=2),
            ("conflict", "that attempt has not begun", "queued"),
            id="an attempt to come",
        ),
        pytest.param(
            [create(), cancel(), retry()],
            report(LATER, SUCCEEDED, attempt=1),
            ("late", "that attempt is over", "queued"),
            id="the end of an attempt that is over, by number",
        ),
        pytest.param(
            [create(), cancel(), retry()],
            report(EARLY, SUCCEEDED),
            ("late", "that attempt is over", "queued"),
            id="the end of an attempt that is over, by time",
        ),
        pytest.param(
            [create(), cancel(), retry()],
            report(EARLY, RUNNING),
            ("stale", "that attempt is over", "queued"),
            id="a word about an attempt that is over",
        ),
        pytest.param(
            [create(), cancel(), retry()],
            report(EARLY, RUNNING, labels={"x": "1"}),
            ("applied", "that attempt is over; the rest was taken", "queued"),
            id="a label from an attempt that is over",
        ),
        pytest.param(
            [create(), cancel(), retry()],
            report(EARLY, RUNNING, metadata={"loss": 1}),
            ("applied", "that attempt is over; the rest was taken", "queued"),
            id="metadata from an attempt that is over",
        ),
        pytest.param(
            [create(), cancel(), retry(), cancel(), retry()],
            report(EARLY, RUNNING),
            ("stale", "that attempt is over", "queued"),
            id="a word about one of several attempts that are over",
        ),
        pytest.param(
            [report(1, RUNNING)],
            report(1, RUNNING),
            ("duplicate", "the same report came before", "running"),
            id="the same report again",
        ),
        pytest.param(
            [report(1, RUNNING)],
            report(2, None, note="the word 'FOO' is unknown"),
            ("applied", "the word 'FOO' is unknown", "running"),
            id="a report with a note",
        ),
    ],
)
def test_a_report_is_answered(
    known: list[c.Command], said: c.ReportTask, answer: tuple[str, str | None, str]
) -> None:
    assert told(*known, said).answer == answer
