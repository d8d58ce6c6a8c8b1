"""What was promised to those outside, kept outside, and whether the database keeps it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Connection, Engine, select

from farwork.domain.facts import Claimed
from farwork.domain.values import FINAL_STATES, Instant
from farwork.storage import audit, event_reader
from farwork.storage import tables as t
from farwork.storage.event_reader import EventRecord
from farwork.storage.facts import fact_of
from farwork.storage.log_check import unlike_their_logs

CLAIMED = "task.claimed"
# Why the server ends the attempt of a worker that is silent.
GIVEN_UP = ("lost", "orphaned")
FINAL = {state.value for state in FINAL_STATES}
# What ends a hold, beside a report that ends the task.
RELEASES = {"task.handed_back", "task.retried", "task.cancelled", "task.expired", "task.adopted"}


class Broken(AssertionError):
    """A promise was not kept."""


@dataclass
class Followed:
    """What a follower of the feed knows of a task; `holder` and `seq` of its last lease."""

    holder: str | None = None
    seq: int = 0
    lost_at: Instant = 0
    inferred: bool = False
    state: str | None = None


@dataclass
class Record:
    """Everything that was acknowledged, and everything that the feed has told."""

    reports: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    versions: dict[str, int] = field(default_factory=dict[str, int])
    holders: dict[tuple[str, int], str] = field(default_factory=dict[tuple[str, int], str])
    until: dict[tuple[str, int], Instant] = field(default_factory=dict[tuple[str, int], Instant])
    feed: list[tuple[int, str, str | None]] = field(
        default_factory=list[tuple[int, str, "str | None"]]
    )
    graces_us: dict[str, int] = field(default_factory=dict[str, int])
    told: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    tasks: dict[str, Followed] = field(default_factory=dict[str, Followed])

    # --- what was acknowledged ---

    def reported(self, task_id: str, delivery_id: str) -> None:
        self.reports.add((task_id, delivery_id))

    def seen(self, task_id: str, version: int) -> None:
        self.versions[task_id] = max(version, self.versions.get(task_id, 0))

    def held(self, task_id: str, seq: int, worker: str, until: Instant) -> None:
        """A worker was told that it holds a task until then."""
        holder = self.holders.setdefault((task_id, seq), worker)
        if holder != worker:
            raise Broken(f"the lease {seq} of {task_id} was given to {holder} and to {worker}")
        self.renewed(task_id, seq, until)

    def renewed(self, task_id: str, seq: int, until: Instant) -> None:
        key = (task_id, seq)
        self.until[key] = max(until, self.until.get(key, 0))

    # --- what the database says ---

    def check(self, engine: Engine) -> None:
        """Raises `Broken` if a promise was not kept."""
        with audit.reading_all(engine) as connection:
            for found in self._faults(connection):
                raise Broken(found)

    def _faults(self, connection: Connection) -> Iterator[str]:
        yield from self._follow(connection)
        yield from audit.disagreements(connection)
        yield from audit.holes(connection)
        yield from unlike_their_logs(connection)
        yield from self._held_twice(connection)
        lost = self.reports - self.told
        if lost:
            yield f"acknowledged reports are gone: {sorted(lost)[:3]}"
        c = t.tasks.c
        there = {row.id: row.version for row in connection.execute(select(c.id, c.version))}
        for task_id, version in self.versions.items():
            if there.get(task_id, 0) < version:
                yield f"{task_id} was told to be at {version}, and is at {there.get(task_id)}"

    def _held_twice(self, connection: Connection) -> Iterator[str]:
        held = list(connection.execute(select(t.leases.c.task_pk)).scalars())
        if len(held) > len(set(held)):
            yield "a task is under two leases"

    # --- the feed ---

    def _follow(self, connection: Connection) -> Iterator[str]:
        last = self.feed[-1][0] if self.feed else 0
        numbers = _numbers(connection, last)
        for event in event_reader.feed(connection, None, after=last, limit=1_000_000):
            if event.task_id is not None and event.position in numbers:
                self.tasks.setdefault(event.task_id, Followed()).seq = numbers[event.position]
            if event.position != last + 1:
                yield f"the feed goes from {last} to {event.position}"
            last = event.position
            self.feed.append((event.position, event.type, event.task_id))
            yield from self._learn(event)

    def check_whole_feed(self, engine: Engine) -> None:
        """Whoever reads the feed from its beginning is told what its followers were told."""
        with audit.reading_all(engine) as connection:
            whole = event_reader.feed(connection, None, after=0, limit=1_000_000)
        if [(e.position, e.type, e.task_id) for e in whole] != self.feed:
            raise Broken("the feed was another while it was followed")

    def _learn(self, event: EventRecord) -> Iterator[str]:
        if event.task_id is None or not event.type.startswith("task."):
            return
        task = self.tasks.setdefault(event.task_id, Followed())
        if event.before is not None and task.state != event.before:
            yield f"{event.task_id} was {task.state}; {event.position} says {event.before}"
        yield from self._delivered(event)
        yield from self._went_back(event, task)
        yield from self._changed_hands(event, task)
        if event.after in FINAL:
            if event.before not in FINAL or event.type == "task.adopted":
                task.inferred = event.type == "task.expired"
            elif event.type in ("task.reported", "task.cancelled"):
                task.inferred = False
        task.state = event.after

    def _delivered(self, event: EventRecord) -> Iterator[str]:
        if event.type != "task.reported" or not isinstance(event.report, dict):
            return
        said = cast("dict[str, Any]", event.report)
        delivery = said.get("delivery_id")
        if isinstance(delivery, str) and event.task_id is not None:
            key = (event.task_id, f"{event.source}/{delivery}")
            if key in self.told:
                yield f"the report {key} was taken twice"
            self.told.add(key)

    def _went_back(self, event: EventRecord, task: Followed) -> Iterator[str]:
        """A final task goes back only when it is retried, or when its end was only inferred."""
        if event.before in FINAL and event.after not in FINAL:
            if event.type != "task.retried" and not task.inferred:
                yield f"{event.task_id} had {event.before}; {event.type} made it {event.after}"
            task.inferred = False

    def _changed_hands(self, event: EventRecord, task: Followed) -> Iterator[str]:
        if event.type == CLAIMED:
            if task.holder is not None:
                yield f"{event.task_id} was claimed while {task.holder} held it"
            task.holder = event.actor
        elif event.type == "task.lost":
            task.lost_at = event.at
        elif event.type == "task.expired" and event.reason in GIVEN_UP:
            yield from self._given_up(event, task)
            task.holder = None
        elif event.type in RELEASES or event.after in FINAL:
            task.holder = None

    def _given_up(self, event: EventRecord, task: Followed) -> Iterator[str]:
        """A worker is given up when all that it was promised is over, and its grace is too."""
        id_ = str(event.task_id)
        until = self.until.get((id_, task.seq), 0)
        until = max(until, task.lost_at + self.graces_us.get(id_, 0))
        if until > event.at:
            yield f"{id_} was given up {until - event.at} us too early"


def _numbers(connection: Connection, after: int) -> dict[int, int]:
    """The numbers of the leases that were given behind a position."""
    e = t.events.c
    claims = select(e.position, e.mark, e.fact).where(e.type == CLAIMED, e.position > after)
    facts = {
        row.position: fact_of(CLAIMED, row.mark, row.fact) for row in connection.execute(claims)
    }
    return {at: fact.lease_seq for at, fact in facts.items() if isinstance(fact, Claimed)}
