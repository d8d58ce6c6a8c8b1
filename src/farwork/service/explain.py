"""Why a task stands where it stands, and what will move it: in data and in words."""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from farwork.domain.errors import TaskNotFound
from farwork.domain.policy import policy_of
from farwork.domain.shards import ShardTally
from farwork.domain.task import Task
from farwork.domain.values import (
    CancelStanding,
    Instant,
    OnInputFailure,
    SettledBy,
    TaskState,
    moment,
)
from farwork.protocol.parts import (
    Explanation,
    LastReport,
    LateReport,
    OpenInput,
    QueuePlace,
    WaitsFor,
)
from farwork.protocol.shapes import when
from farwork.service.access import Principal, Role
from farwork.service.forecast import forecast
from farwork.service.forecast import words as forecast_words
from farwork.service.ledger import Ledger
from farwork.storage import standing_reader, task_reader
from farwork.storage.standing_reader import (
    Ahead,
    Heard,
    InputStanding,
    Past,
    QueueStanding,
    Settled,
)

INPUTS_SHOWN_MAX = 100
INPUTS_NAMED_MAX = 3
UPSTREAM = "upstream"
LOST = "lost"
# A worker that was not seen for so long does not count.
LIVE_US = 120_000_000
INCOMPLETE = "incomplete"


@dataclass(slots=True)
class Standing:
    """All that is known of where a task stands."""

    task: Task
    inputs: list[InputStanding] = field(default_factory=list[InputStanding])
    ahead: Ahead | None = None
    running: int = 0
    settled: Settled | None = None
    heard: Heard | None = None
    late: list[Heard] = field(default_factory=list[Heard])
    queue: QueueStanding | None = None
    past: list[Past] = field(default_factory=list[Past])
    now: Instant = 0


class Explainer:
    """Explains tasks."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def explain(self, caller: Principal, task_id: str) -> Explanation:
        """Why a task stands where it stands. Needs viewer. Raises `TaskNotFound`."""
        caller.require(Role.VIEWER)

        def reading(connection: Connection) -> Standing:
            task = task_reader.get(connection, caller.project, task_id)
            if task is None:
                raise TaskNotFound.of(task_id)
            return _look(connection, task, self._ledger.now())

        return explanation_of(await self._ledger.read(reading))


def _look(connection: Connection, task: Task, now: Instant) -> Standing:
    standing = Standing(
        task,
        now=now,
        settled=standing_reader.settled(connection, task),
        heard=standing_reader.last_heard(connection, task.pk),
        late=standing_reader.late_ends(connection, task.pk),
    )
    if task.state is TaskState.BLOCKED:
        inputs = standing_reader.inputs(connection, task.project, task.inputs)
        standing.inputs = [one for one in inputs if not _suits(one, task.on_input_failure)]
    if task.state is TaskState.QUEUED:
        standing.ahead = standing_reader.ahead(connection, task)
        standing.running = standing_reader.running(connection, task.project, task.queue)
        standing.queue = standing_reader.queue(connection, task, now - LIVE_US)
    if task.state in (TaskState.QUEUED, TaskState.RUNNING):
        standing.past = standing_reader.past(connection, task)
    return standing


def _suits(one: InputStanding, policy: OnInputFailure) -> bool:
    """Whether an input has ended as its task needs it."""
    if one.state is None:
        return False
    return one.state is TaskState.SUCCEEDED or (policy is OnInputFailure.RUN and one.state.is_final)


def explanation_of(standing: Standing) -> Explanation:
    """The explanation of how a task stands. Pure."""
    task = standing.task
    waits_for, sentences = _WORDS[task.state](standing)
    hindered = task.state is TaskState.QUEUED and bool(_hindrances(standing))
    likely = forecast(task, standing.past, standing.now, may_start=not hindered)
    sentences += forecast_words(likely)
    sentences += _late_words(standing)
    if task.legal_hold is not None:
        sentences.append(f"Nobody deletes it while a legal hold is on it: {task.legal_hold}.")
    if task.archived_at is not None:
        sentences.append("It is archived: lists show it only when they are asked for the archive.")
    return Explanation(
        task_id=task.id,
        state=task.state,
        reason=task.reason,
        since=when(_since(task)),
        waits_for=waits_for,
        summary=" ".join(sentences),
        can=_verbs(standing),
        settled_by=None if task.settled_by is SettledBy.NOBODY else task.settled_by.value,
        inputs_open=[
            OpenInput(i.id, i.state, i.reason) for i in standing.inputs[:INPUTS_SHOWN_MAX]
        ],
        inputs_open_count=len(standing.inputs),
        place=_place(standing),
        shards_open=0 if task.shards is None else task.shards.open,
        likely_start=likely.start,
        likely_finish=likely.finish,
        last_report=_last_report(standing.heard),
        late_reports=[_late_report(heard) for heard in standing.late],
        archived_at=when(task.archived_at),
    )


# --- words, one function a state ---

Words = tuple[WaitsFor, list[str]]


def _created(_standing: Standing) -> Words:
    known = "It is known, and nobody has let it go yet."
    return "submit", [known, "An operator's submit moves it, or a report from outside."]


def _blocked(standing: Standing) -> Words:
    task, inputs = standing.task, standing.inputs
    ended = [one for one in inputs if one.state is not None and one.state.is_final]
    if task.reason == UPSTREAM and ended:
        return "operator", [
            f"It is held, because {_named(ended)} ended without success.",
            "It moves when the inputs are retried and succeed, or when an operator cancels it.",
        ]
    number = f"{len(inputs)} of its {len(task.inputs)} inputs"
    return "inputs", [f"It waits for {number} to end: {_named(inputs)}."]


def _named(inputs: list[InputStanding]) -> str:
    shown = [f"{one.id!r} ({one.state or 'unknown here'})" for one in inputs[:INPUTS_NAMED_MAX]]
    more = len(inputs) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _queued(standing: Standing) -> Words:
    task, ahead = standing.task, standing.ahead
    assert ahead is not None
    number = f"{'' if ahead.exact else 'at least '}{_counted(ahead.tasks, 'task')}"
    place = "first" if ahead.tasks == 0 and ahead.exact else f"behind {number}"
    run = f"{_counted(standing.running, 'task')} {'runs' if standing.running == 1 else 'run'}"
    if task.not_before is not None:
        return "time", [f"It waits until {_time(task.not_before)} ({task.reason})."]
    reason = "" if task.reason is None else f" The reason given is {task.reason!r}."
    return "worker", [
        f"It waits {place} in the queue {task.queue!r}, where {run}.{reason}",
        *_shard_words(task),
        *_hindrances(standing),
        "A worker that claims it moves it, or a report from outside.",
    ]


def _hindrances(standing: Standing) -> list[str]:
    """What keeps workers from claiming it, whatever its place."""
    queue, task = standing.queue, standing.task
    if queue is None:
        return []
    found: list[str] = []
    if queue.state != "active":
        comment = f": {queue.comment}" if queue.comment else ""
        found.append(f"The queue is {queue.state}{comment}.")
    if queue.running_max is not None and queue.leases >= queue.running_max:
        found.append(f"The queue is at its limit of {_counted(queue.running_max, 'task')}.")
    for key, running_max in sorted(queue.full.items()):
        runs = f"{_counted(running_max, 'task')} with {key}={task.labels[key]}"
        found.append(f"The limit of {runs} is reached.")
    if not queue.workers and queue.stopped:
        found.append(_stopped_words(queue.stopped))
    elif not queue.workers:
        needs = ", ".join(f"{key}={value}" for key, value in task.requires.items())
        offering = f" and offers {needs}" if needs else ""
        found.append(f"No worker that was seen lately takes from the queue{offering}.")
    return found


def _stopped_words(stopped: dict[str, str | None]) -> str:
    name, comment = next(iter(stopped.items()))
    why = f": {comment}" if comment else ""
    if len(stopped) == 1:
        return f"The one worker that may take it, {name!r}, is paused or draining{why}."
    return f"The {len(stopped)} workers that may take it are paused or draining, as {name!r}{why}."


def _running(standing: Standing) -> Words:
    task, tally = standing.task, standing.task.shards
    sentences: list[str] = []
    waits_for: WaitsFor = "report"
    if task.worker is not None:
        waits_for = "worker"
        sentences.append(_holder_words(task))
        if task.cancel is not None:
            sentences.append(_CANCELS.get(task.cancel, f"Its cancelling is {task.cancel}."))
        sentences += _shard_words(task)
    elif tally is not None and tally.open:
        waits_for = "shards"
        sentences.append(f"It runs until its shards end: {tally.open} of {tally.total} are open.")
        sentences += _needed_words(task)
    elif task.reason == INCOMPLETE and tally is not None:
        waits_for = "shards"
        sentences.append(_incomplete_words(task, tally))
    else:
        sentences.append("It runs until a report says how it ended.")
    heard = standing.heard
    if heard is None:
        sentences.append("Nothing has been heard of it yet.")
    else:
        source = f" from {heard.source!r}" if heard.source else ""
        sentences.append(f"The last sign of life came at {_time(heard.at)}{source}.")
    return waits_for, sentences


def _holder_words(task: Task) -> str:
    ends = task.lease_ends_at
    if task.reason == LOST and ends is not None:
        since = ends - round(policy_of(task).grace_s * 1_000_000)
        return (
            f"It is lost since {_time(since)}, when its worker {task.worker!r} fell silent; "
            f"a sign of life until {_time(ends)} brings it back."
        )
    lease = "" if ends is None else f", under a lease that ends at {_time(ends)}"
    return f"The worker {task.worker!r} holds it{lease}."


_CANCELS = {
    CancelStanding.REQUESTED: "It will hear with its next heartbeat that the task shall end.",
    CancelStanding.DELIVERED: "It has been told that the task shall end, and has not answered yet.",
    CancelStanding.REFUSED: "It was asked to end the task, and refused.",
}


def _shard_words(task: Task) -> list[str]:
    """How the shards stand of a task that somebody works on, or shall."""
    tally = task.shards
    if tally is None or not tally.total:
        return []
    ended = [
        f"{number} {word}"
        for number, word in (
            (tally.succeeded, "succeeded"),
            (tally.failed, "failed"),
            (tally.cancelled, "cancelled"),
        )
        if number
    ]
    are = "is" if tally.open == 1 else "are"
    stand = ", ".join([f"{tally.open} of {tally.total} {are} open", *ended])
    return [f"Of its shards, {stand}.", *_needed_words(task)]


def _needed_words(task: Task) -> list[str]:
    needed = policy_of(task).shards_needed
    return [] if needed is None else [f"It succeeds with {needed} of them."]


def _incomplete_words(task: Task, tally: ShardTally) -> str:
    if task.items_total is not None and tally.items_succeeded < task.items_total:
        return (
            f"Its {_counted(tally.total, 'shard')} ended, but cover {tally.items_succeeded} of "
            f"{task.items_total} items; it waits for a report about the others."
        )
    return (
        f"Its {_counted(tally.total, 'shard')} ended, {tally.succeeded} with success, and it needs "
        f"{policy_of(task).shards_needed}; it waits for further ones."
    )


_BY = {
    SettledBy.NOBODY: "",
    SettledBy.SERVER: ", as the server concluded; a report of another end corrects that",
    SettledBy.SHARDS: ", as follows from its shards; a word about another shard corrects that",
}


def _ended(standing: Standing) -> Words:
    task, settled = standing.task, standing.settled
    by = _BY.get(task.settled_by)
    if by is None and task.settled_by is SettledBy.OPERATOR:
        name = "" if settled is None or settled.actor is None else f" {settled.actor!r}"
        by = f" on the word of the operator{name}"
    elif by is None:
        name = "" if settled is None or settled.source is None else f" from {settled.source!r}"
        by = f" on the word of a report{name}"
    at = "" if task.completed_at is None else f" at {_time(task.completed_at)}"
    reason = "" if task.reason is None else f" The reason given is {task.reason!r}."
    return "nothing", [f"It {_ENDS[task.state]}{at}{by}.{reason}"]


_ENDS = {
    TaskState.SUCCEEDED: "succeeded",
    TaskState.FAILED: "failed",
    TaskState.CANCELLED: "was cancelled",
}
_WORDS = {
    TaskState.CREATED: _created,
    TaskState.BLOCKED: _blocked,
    TaskState.QUEUED: _queued,
    TaskState.RUNNING: _running,
    TaskState.SUCCEEDED: _ended,
    TaskState.FAILED: _ended,
    TaskState.CANCELLED: _ended,
}


def _late_words(standing: Standing) -> list[str]:
    late = standing.late
    if not late:
        return []
    were = "was" if len(late) == 1 else "were"
    return [
        f"{_counted(len(late), 'end')} {were} reported too late; an operator may adopt one of them."
    ]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _time(at: Instant) -> str:
    return moment(at).isoformat(timespec="seconds").replace("+00:00", "Z")


# --- data ---


def _since(task: Task) -> Instant | None:
    match task.state:
        case TaskState.CREATED:
            return task.created_at
        case TaskState.BLOCKED | TaskState.QUEUED:
            return task.queued_at or task.created_at
        case TaskState.RUNNING:
            return task.started_at
        case _:
            return task.completed_at


def _verbs(standing: Standing) -> list[str]:
    task = standing.task
    verbs = ["submit"] if task.state is TaskState.CREATED else []
    verbs += ["retry"] if task.is_final else ["cancel"]
    if standing.late:
        verbs.append("adopt")
    return [*verbs, "archive" if task.archived_at is None else "restore"]


def _place(standing: Standing) -> QueuePlace | None:
    ahead = standing.ahead
    if ahead is None:
        return None
    return QueuePlace(standing.task.queue, ahead.tasks, ahead.exact, standing.running)


def _last_report(heard: Heard | None) -> LastReport | None:
    if heard is None:
        return None
    return LastReport(heard.event_id, moment(heard.at), heard.source, heard.state, heard.verdict)


def _late_report(heard: Heard) -> LateReport:
    assert heard.state is not None
    return LateReport(heard.event_id, heard.attempt, moment(heard.at), heard.source, heard.state)
