"""Looks at the record from outside, and says what is wrong with it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from farwork import Client
from farwork.sdk import EventOut, ResultOut

Try = tuple[str, int]
"""A task, and the number of an attempt at it."""


@dataclass(frozen=True)
class Evidence:
    """What was found: in the record, in the journal of the workers, and of what they left."""

    expected: Sequence[str]
    ended: Mapping[str, tuple[str, int]]
    events: Sequence[EventOut]
    results: Mapping[str, Sequence[ResultOut]]
    finished: Mapping[Try, int]
    killed: frozenset[int]
    left_in_spools: int

    @property
    def late(self) -> int:
        """How many results came too late."""
        return sum(one.late for results in self.results.values() for one in results)


def gather(
    client: Client, expected: Sequence[str], folder: Path, killed: frozenset[int]
) -> Evidence:
    """Ask the server, and read what the workers wrote down."""
    ended = {task.id: (str(task.state), task.attempt) for task in client.list_tasks()}
    results = {task_id: list(client.list_results(task_id)) for task_id in expected}
    finished = {
        (task_id, int(attempt)): int(pid)
        for pid, _, task_id, attempt in map(str.split, _lines(folder / "journal"))
    }
    left = len(list(folder.glob("*/*.db")))
    return Evidence(expected, ended, _all_events(client), results, finished, killed, left)


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def _all_events(client: Client) -> list[EventOut]:
    events: list[EventOut] = []
    after = 0
    while True:
        page = client.read_feed(after=after)
        if not page.items:
            return events
        events += page.items
        after = page.next_after


def complaints_about(found: Evidence) -> list[str]:
    """Everything that is wrong."""
    return [
        *_about_ends(found),
        *_about_leases(found.events),
        *_about_results(found),
        *_about_work(found),
    ]


def _about_ends(found: Evidence) -> Iterator[str]:
    """Every task ends, once, and well."""
    if sorted(found.ended) != sorted(found.expected):
        yield "the tasks are not those that were created"
    states = Counter(state for state, _ in found.ended.values())
    if set(states) != {"succeeded"}:
        yield f"not every task succeeded: {dict(states)}"
    ends = Counter(
        event.task_id
        for event in found.events
        if event.state is not None
        and event.state.after == "succeeded"
        and event.state.before != "succeeded"
    )
    twice = [task_id for task_id, times in ends.items() if times != 1]
    if twice:
        yield f"these ended more than once: {twice[:5]}"


def _about_leases(events: Sequence[EventOut]) -> Iterator[str]:
    """No task is claimed while somebody holds it, and no attempt is held twice."""
    held: dict[str, int] = {}
    claims: dict[str, list[int]] = defaultdict(list)
    for event in events:
        task_id, attempt = event.task_id, event.attempt
        if task_id is None or attempt is None:
            continue
        if event.type == "task.claimed":
            if task_id in held:
                yield f"{task_id} was claimed while attempt {held[task_id]} was held"
            held[task_id] = attempt
            claims[task_id].append(attempt)
        elif event.type in ("task.retried", "task.handed_back", "task.expired") or (
            event.verdict == "applied" and event.state and event.state.after == "succeeded"
        ):
            held.pop(task_id, None)
    for task_id, attempts in claims.items():
        if attempts != sorted(set(attempts)):
            yield f"{task_id} was claimed for the attempts {attempts}"


def _about_results(found: Evidence) -> Iterator[str]:
    """A task has the result of the attempt that ended it; all others are kept as late ones."""
    for task_id, results in found.results.items():
        own = [one.attempt for one in results if not one.late]
        _, attempt = found.ended.get(task_id, ("", 0))
        if own != [attempt]:
            yield f"{task_id} ended with attempt {attempt}, and has the results of {own}"
        for one in results:
            if (one.data["task"], one.data["attempt"]) != (task_id, one.attempt):
                yield f"{task_id} has under attempt {one.attempt} the result {one.data}"
        attempts = [one.attempt for one in results]
        if len(attempts) != len(set(attempts)):
            yield f"{task_id} has two results of one attempt: {attempts}"


def _about_work(found: Evidence) -> Iterator[str]:
    """What was finished is on the record, unless its process was killed at that moment."""
    recorded = {
        (task_id, one.attempt) for task_id, results in found.results.items() for one in results
    }
    made_up = recorded - set(found.finished)
    if made_up:
        yield f"nobody finished these: {sorted(made_up)[:5]}"
    lost = [
        (one, pid)
        for one, pid in found.finished.items()
        if one not in recorded and pid not in found.killed
    ]
    if lost:
        yield f"finished, and not on the record: {lost[:5]}"
    if found.left_in_spools:
        yield f"{found.left_in_spools} spools were not delivered"
