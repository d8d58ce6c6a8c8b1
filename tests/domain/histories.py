"""Made-up histories: what operators, inputs and the server do at their times, and what is said.

Strategies are built once and draw little: most of a property's time would go into generating.
"""

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from farwork.domain import commands as c
from farwork.domain.reports import ShardStatement
from farwork.domain.shards import Shard
from farwork.domain.task import Task
from farwork.domain.values import (
    Fault,
    Instant,
    LatePolicy,
    Limits,
    OnInputFailure,
    Origin,
    Policy,
    TaskState,
)
from tests.domain import words
from tests.domain.ledger import Ledger
from tests.domain.words import SECOND, TASK

SPAN = 30
"""Histories last so many seconds; what is reported lies in them, in their past or their future."""

many = settings(max_examples=4 * settings().max_examples)
"""Histories have many dice: look at more of them than a profile asks for."""

OOM = Fault("oom", "too large")
GONE = Fault(None, "gone")

_times = st.integers(-5, SPAN + 5)
_states = st.sampled_from([None, *TaskState, TaskState.RUNNING, TaskState.RUNNING])


def _some_of(said: dict[str, list[Any]], at_most: int) -> SearchStrategy[dict[str, Any]]:
    pairs = [(name, value) for name, values in said.items() for value in values]
    return st.lists(st.sampled_from(pairs), max_size=at_most).map(dict)


_said_of_task = _some_of(
    {
        "attempt": [1, 2, 3],
        "reason": ["lost"],
        "reported_status": ["TRAINING", "DONE"],
        "percent": [0.0, 12.5, 50.0, 100.0],
        "message": ["epoch 1", "epoch 2"],
        "error": [OOM, GONE],
        "metadata": [{"loss": 1}, {"loss": 2, "epoch": 1}],
        "result": [1, 2],
        "started_at": [1 * SECOND, 20 * SECOND],
        "completed_at": [2 * SECOND, 21 * SECOND],
        "kind": ["train", "scan"],
        "name": ["run"],
        "queue": ["gpu"],
        "labels": [{"x": "1"}, {"x": "2"}, {"y": "1"}],
        "external_ref": ["ref"],
        "job_id": ["j1", "j2"],
        "origin": [Origin("lab"), Origin("lab", "2")],
    },
    at_most=5,
)
_said_of_shard = _some_of(
    {
        "reason": ["lost"],
        "external_ref": ["p1", "p2"],
        "queue": ["chip"],
        "item_count": [1, 2],
        "item_offset": [0, 1],
        "error": [OOM, GONE],
        "result": [1, 2],
    },
    at_most=3,
)


@st.composite
def _statements(draw: DrawFn) -> ShardStatement:
    return words.shard(draw(st.integers(0, 2)), draw(_states), **draw(_said_of_shard))


_any_statement = _statements()


@st.composite
def reports(draw: DrawFn) -> c.ReportTask:
    """A report of any kind: about the task, about a shard, seldom about both."""
    said = draw(_said_of_task)
    about = draw(st.sampled_from(["task", "task", "task", "shard", "shard", "both"]))
    if about == "shard":
        said = {name: said[name] for name in said.keys() & {"attempt", "metadata"}}
    state = None if about == "shard" else draw(_states)
    if about != "task":
        said["shard"] = draw(_any_statement)
    return words.report(draw(_times), state, **said)


_created = _some_of(
    {
        "submit": [False],
        "inputs": [1, 2],
        "on_input_failure": list(OnInputFailure),
        "items_total": [2, 4],
        "shards": [1, 3],
        "kind": ["train"],
        "pinned": [frozenset({"kind", "labels"})],
        "attempts_max": [2, 3, 3],
        "not_before": [10 * SECOND],
        "policy": [
            Policy(backoff_s=0, grace_s=0, late=LatePolicy.ADOPT),
            Policy(Limits(queue_s=3, run_s=5, silence_s=2, total_s=20)),
            Policy(shards_needed=1),
        ],
    },
    at_most=5,
).map(lambda said: words.create(**said))


def _import(updated_at: int, states: list[TaskState], said: dict[str, Any]) -> c.ImportTask:
    task = Task("default", TASK, 0, updated_at * SECOND, **said)
    shards = [Shard(n, state, updated_at=n * SECOND) for n, state in enumerate(states)]
    return c.ImportTask(task_id=TASK, task=task, details=c.Details(), shards=shards)


_imported = st.builds(
    _import,
    _times,
    st.lists(st.sampled_from(TaskState), max_size=2),
    _some_of(
        {
            "state": list(TaskState),
            "percent": [30.0],
            "attempt": [2],
            "started_at": [3 * SECOND],
            "labels": [{"x": "0"}],
            "items_total": [2],
        },
        at_most=4,
    ),
)

_for_workers = _some_of(
    {
        "attempts_max": [3],
        "items_total": [2],
        "policy": [
            Policy(backoff_s=0, grace_s=0, late=LatePolicy.ADOPT),
            Policy(backoff_s=3, jitter=0.0, grace_s=2),
            Policy(Limits(run_s=5, total_s=20), backoff_s=0),
            Policy(Limits(queue_s=3, silence_s=2), late=LatePolicy.IGNORE),
        ],
    },
    at_most=3,
).map(lambda said: words.create(**said))

_changes = st.sampled_from(
    [
        {"kind": "pinned"},
        {"labels": {"x": "pinned"}},
        {"items_total": None},
        {"items_total": 1},
        {"items_total": 5, "priority": 1},
    ]
).map(lambda fields: words.change(**fields))

_inputs = st.builds(
    c.InputEnded,
    task_id=st.just(TASK),
    input_id=st.sampled_from(["input-0", "input-1"]),
    succeeded=st.booleans(),
)

_held_reports = st.builds(
    words.said_by_holder,
    _times,
    _states,
    seq=st.sampled_from([0, 0, 0, 1, 2]),
    attempt=st.sampled_from([1, 2]),
    percent=st.sampled_from([None, 50.0]),
)
_leased = st.one_of(
    st.builds(words.claim),
    st.builds(words.claim),
    _held_reports,
    st.builds(words.renew, st.sampled_from([0, 0, 1])),
    st.builds(words.hand_back, st.just(0)),
    st.builds(words.reap, st.just(0)),
    st.builds(words.reap, st.just(0)),
    st.builds(words.answer_cancel, st.just(0), refused=st.booleans()),
    st.builds(words.check_deadline),
    st.builds(words.wake),
)

_on_shards = st.one_of(
    st.builds(words.add_shards, st.integers(0, 3), seq=st.sampled_from([None, None, 0])),
    st.builds(words.retry_shard, st.integers(0, 2)),
    st.builds(words.cancel_shard, st.integers(0, 2)),
)

_acts = st.one_of(
    st.sampled_from([words.submit, words.cancel, words.retry, words.retry, words.adopt]).map(
        lambda make: make()
    ),
    st.sampled_from([TaskState.FAILED, TaskState.CANCELLED]).map(words.expire),
    _changes,
    _leased,
    _leased,
    _leased,
    _inputs,
    _inputs,
    st.sampled_from([c.ArchiveTask, c.RestoreTask]).map(lambda make: make(task_id=TASK)),
    _on_shards,
    _on_shards,
)


_work = st.one_of(
    _leased,
    _leased,
    _leased,
    st.sampled_from([words.cancel, words.retry, words.adopt]).map(lambda make: make()),
    st.just(c.CancelTask(task_id=TASK, force=True)),
    _on_shards,
)


@dataclass
class History:
    """What is done when, in order, and what is said before each act and after the last (`gaps`)."""

    acts: list[tuple[Instant, c.Command]]
    gaps: list[list[c.ReportTask]]
    first_gap: int

    @property
    def reports(self) -> list[c.ReportTask]:
        """All that is said, in the order in which it comes."""
        return [one for gap in self.gaps for one in gap]

    @property
    def imports(self) -> bool:
        """Whether the task comes into being by import."""
        return any(isinstance(act, c.ImportTask) for _, act in self.acts)

    def play(self, gaps: list[list[c.ReportTask]] | None = None, *, pause: int = 0) -> Ledger:
        """The ledger at the end, when the reports come as they do here or as `gaps` says.

        The reports of a gap come in one batch, or one by one with a `pause` (microseconds).
        """
        ledger = Ledger()
        acts = [*self.acts, (2 * SPAN * SECOND, None)]
        for said, (at, act) in zip(gaps or self.gaps, acts, strict=True):
            for number, one in enumerate(said):
                ledger.give(one, at - SECOND + number * pause)
            if act is not None:
                ledger.give(_addressed(act, ledger.task), at)
        return ledger


def _addressed(act: c.Command, task: Task | None) -> c.Command:
    """The act; one that shows the lease 0 shows the present one."""
    if task is None or getattr(act, "lease_seq", None) != 0:
        return act
    present: Any = replace(act, lease_seq=task.lease_seq)  # pyright: ignore[reportCallIssue] - it has the field
    if isinstance(act, c.LeaseReport):
        present.report = replace(act.report, attempt=task.attempt)
    return present


_beginnings = st.one_of(st.none(), _created, _created, _imported)
_said = st.lists(reports(), min_size=1, max_size=8, unique_by=lambda one: one.report.dedup)
_timed_work = st.lists(
    st.tuples(st.integers(1, SPAN), _work), max_size=9, unique_by=lambda timed: timed[0]
)
_timed_acts = st.lists(
    st.tuples(st.integers(1, SPAN), _acts), max_size=8, unique_by=lambda timed: timed[0]
)


@st.composite
def histories(draw: DrawFn) -> History:
    """A history of one task; in every third it is made for workers, and held by them."""
    worked = draw(st.sampled_from([False, False, True]))
    beginning = draw(_for_workers if worked else _beginnings)
    timed = sorted(draw(_timed_work if worked else _timed_acts), key=lambda timed: timed[0])
    acts = _inputs_in_turn(beginning, [(at * SECOND, act) for at, act in timed])
    if worked:
        acts.insert(0, (SECOND // 2, words.claim(lease_s=3)))
    if beginning is not None:
        acts.insert(0, (0, beginning))
    said = draw(_said)
    first = int(beginning is not None)
    return History(acts, draw(spread(said, len(acts), first=first)), first)


@st.composite
def spread(
    draw: DrawFn, said: list[c.ReportTask], acts: int, first: int
) -> list[list[c.ReportTask]]:
    """These reports, spread over the gaps around so many acts, from a first gap on."""
    gaps: list[list[c.ReportTask]] = [[] for _ in range(acts + 1)]
    for one in said:
        gaps[draw(st.integers(first, acts))].append(one)
    return gaps


def _inputs_in_turn(
    beginning: c.Command | None, acts: list[tuple[Instant, c.Command]]
) -> list[tuple[Instant, c.Command]]:
    """Keep what happens to inputs that the task has; each ends and is reopened in turn."""
    ended: dict[str, bool | None] = {}
    if isinstance(beginning, c.CreateTask):
        ended = dict.fromkeys(beginning.task.inputs)
    kept: list[tuple[Instant, c.Command]] = []
    for at, act in acts:
        if isinstance(act, c.InputEnded):
            if act.input_id not in ended:
                continue
            had_ended = ended[act.input_id]
            if had_ended is not None:
                act.reopened, act.succeeded = True, had_ended
            ended[act.input_id] = None if act.reopened else act.succeeded
        kept.append((at, act))
    return kept
