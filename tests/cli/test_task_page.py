"""A task as a page, and events as lines."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from inline_snapshot import snapshot

from farwork.cli import event_lines
from farwork.cli.task_view import View
from farwork.sdk import EventOut, Explanation, ResultOut, TaskOut
from tests.cli.screen import pipe, plain, screen
from tests.sdk.conftest import event, summary

NOW = datetime(2026, 11, 22, 2, 3, 2, tzinfo=UTC)
EXPLANATION: dict[str, Any] = {
    "task_id": "run-17",
    "state": "running",
    "reason": None,
    "since": "2026-11-22T02:00:01Z",
    "waits_for": "report",
    "summary": "It runs until a report says how it ended.",
    "can": ["cancel", "archive"],
    "settled_by": None,
    "inputs_open": [],
    "inputs_open_count": 0,
    "place": None,
    "shards_open": 0,
    "likely_start": None,
    "likely_finish": None,
    "last_report": None,
    "late_reports": [],
    "archived_at": None,
}


@pytest.fixture(autouse=True)
def _in_utc(here: Any) -> None:
    here("UTC")


def task(task_id: str = "run-17", **fields: Any) -> TaskOut:
    whole = summary(task_id, params={}, metadata={}, extensions={}) | fields
    return msgspec.convert(whole, TaskOut)


def events(*changes: dict[str, Any]) -> list[EventOut]:
    made = (event(number) | change for number, change in enumerate(changes, start=1))
    return [msgspec.convert(one, EventOut) for one in made]


def result(data: Any, **fields: Any) -> ResultOut:
    made: dict[str, Any] = {
        "id": "r1",
        "attempt": 1,
        "name": "result",
        "type": None,
        "data": data,
        "files": [],
        "late": False,
        "created_at": "2026-11-22T02:00:00Z",
    }
    return msgspec.convert(made | fields, ResultOut)


def page(of: TaskOut, console: Any, *, results: Any = (), log: Any = ()) -> str:
    explanation = msgspec.convert(EXPLANATION, Explanation)
    return plain(View(console, NOW).lines(of, explanation, list(results), list(log)))


RICH = task(
    name="wide",
    state="failed",
    reason="timeout",
    attempt=2,
    attempts_max=3,
    priority=5,
    labels={"team": "vision"},
    params={"hidden_units": 128, "optimizer": {"name": "adam"}},
    metadata={"loss": 0.0841},
    extensions={"uniqc": {"shots": 1000}},
    error={"category": "oom", "message": "CUDA ran out of memory " * 5, "details": {"line": 88}},
    progress={"percent": 62.5, "message": "epoch 20"},
    reported_status="TRAINING",
    external_ref="job-9",
    job_id="sweep",
    inputs=["a", "b"],
    origin={"source": "engine", "instance": "gpu-7", "zone": None, "version": "1.2"},
    completed_at="2026-11-22T02:02:02Z",
    archived_at="2026-11-22T02:03:00Z",
    has_result=True,
    shards={
        "total": 3,
        "open": 1,
        "succeeded": 1,
        "failed": 1,
        "cancelled": 0,
        "items": 30,
        "items_succeeded": 10,
    },
)


def test_a_page_tells_everything_about_a_task() -> None:
    log = events({"state": {"from": None, "to": "queued"}, "type": "task.created"}, {})
    shown = page(RICH, screen(80), results=[result({"loss": 0.1})], log=log)
    assert shown == snapshot("""\
run-17  wide
  state       failed (timeout)  attempt 2 of 3  archived
  error       oom: CUDA ran out of memory CUDA ran out of memory CUDA ran out of
              memory CUDA ran out of memory CUDA ran out of memory
              {"line":88}
  why         It runs until a report says how it ended.
  can         cancel, archive
  progress    ━━━━━━━━━━━━━━━━━━━━━━━━  62.5%  epoch 20
  reported    TRAINING
  shards      3: 1 succeeded, 1 failed, 1 open
  kind        train
  queue       gpu
  priority    5
  job         sweep
  reference   job-9
  inputs      a, b
  creator     me
  origin      engine gpu-7 1.2
  created     2026-11-22 02:00:00 +00:00  3 min ago
  queued      2026-11-22 02:00:00 +00:00  3 min ago
  started     2026-11-22 02:00:01 +00:00  3 min ago
  ended       2026-11-22 02:02:02 +00:00  1 min ago
  updated     2026-11-22 02:00:02 +00:00  3 min ago
  archived    2026-11-22 02:03:00 +00:00  2 s ago
  took        2 min 1 s
  labels      team  vision
  params      hidden_units  128
              optimizer     {"name":"adam"}
  metadata    loss  0.0841
  extensions  uniqc  {"shots":1000}
  results     result
              {"loss":0.1}
  events      02:00:00  queued  by gpu-7
              02:00:00  queued -> running  by gpu-7\
""")


def test_a_task_of_which_little_is_known_has_a_short_page() -> None:
    assert page(task(progress={"percent": 0.0, "message": None}), screen(80)) == snapshot("""\
run-17
  state       running
  why         It runs until a report says how it ended.
  can         cancel, archive
  kind        train
  queue       gpu
  creator     me
  created     2026-11-22 02:00:00 +00:00  3 min ago
  queued      2026-11-22 02:00:00 +00:00  3 min ago
  started     2026-11-22 02:00:01 +00:00  3 min ago
  updated     2026-11-22 02:00:02 +00:00  3 min ago
  so far      3 min 1 s\
""")


def test_on_a_terminal_a_long_value_is_cut_and_in_a_pipe_it_is_whole() -> None:
    long = task(params={"circuit": "H q[0]; " * 500})
    assert page(long, screen(80)).count("H q[0]") < 40
    assert page(long, pipe()).count("H q[0]") == 500


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_of_a_page_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, page(RICH, screen(width)).splitlines())) <= width


def test_a_text_of_several_lines_keeps_them() -> None:
    fault = {"category": "crash", "message": "Traceback:\n  line 1\n\x1b[2Jline 2", "details": None}
    of = task(state="failed", error=fault, params={"circuit": "H q[0]\nM q[0]", "n": 1})
    for console in (screen(80), pipe()):
        lines = [
            line for line in page(of, console).splitlines() if "line" in line or "q[0]" in line
        ]
        assert lines == snapshot(
            [
                "                line 1",
                "              \\x1b[2Jline 2",
                "  params      circuit  H q[0]",
                "              M q[0]",
            ]
        )


def test_a_late_result_and_that_of_an_earlier_attempt_are_told_apart() -> None:
    found = [result(1, attempt=2), result(2, attempt=1, late=True, name="model", type="onnx")]
    lines = page(task(), pipe(), results=found).splitlines()
    assert [line.strip() for line in lines[-4:]] == snapshot(
        ["results     result  attempt 2", "1", "model  onnx  late", "2"]
    )


def told(*changes: dict[str, Any], now: datetime | None = NOW) -> str:
    return plain(event_lines.line(one, now=now, subject_width=6) for one in events(*changes))


def test_each_kind_of_event_has_its_line() -> None:
    lines = told(
        {"type": "task.created", "state": {"from": None, "to": "created"}, "actor": "me"},
        {"report": {"progress": 42.0, "message": "epoch 4"}},
        {"report": {"progress": {"percent": 99.95, "message": "nearly"}}, "verdict": "stale"},
        {
            "state": {"from": "running", "to": "failed"},
            "report": {"error": {"category": "oom", "message": "out of\nmemory"}},
        },
        {"state": None, "verdict": "late", "reason": "the attempt has ended"},
        {
            "type": "task.cancelled",
            "state": {"from": "running", "to": "cancelled"},
            "source": None,
            "actor": "me",
            "reason": "wrong sample",
        },
        {"type": "task.archived", "state": {"from": "failed", "to": "failed"}, "source": None},
        {"type": "job.created", "task_id": None, "job_id": "sweep", "state": None},
    )
    assert lines == snapshot("""\
02:00:00  a       created  by gpu-7
02:00:00  a       queued -> running  42% epoch 4 by gpu-7
02:00:00  a       queued -> running  99.95% nearly [stale] by gpu-7
02:00:00  a       running -> failed  oom: out of\\nmemory by gpu-7
02:00:00  a       reported  the attempt has ended [late] by gpu-7
02:00:00  a       running -> cancelled  wrong sample by me
02:00:00  a       archived
02:00:00  sweep   job.created  by gpu-7\
""")


def test_an_event_of_another_day_has_its_date() -> None:
    assert told({}, now=NOW + timedelta(days=1)) == snapshot(
        "2026-11-22 02:00:00  a       queued -> running  by gpu-7"
    )


def test_in_a_pipe_the_time_is_exact() -> None:
    assert told({}, now=None) == snapshot(
        "2026-11-22 02:00:00 +00:00  a       queued -> running  by gpu-7"
    )
