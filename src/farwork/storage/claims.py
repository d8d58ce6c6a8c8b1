"""Choosing what a worker may claim, while a batch is decided.

The ready tasks of a queue lie in lanes: those of one lane differ in nothing that decides who may
take them when, but in their order. So whatever waits, a claim looks at the head of each lane, and
nothing is read that cannot be taken. What this batch has made ready, or taken, is minded beside the
tables.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import heapify, heappop, heappush

from sqlalchemy import Connection

from farwork.domain.task import Task
from farwork.storage.json import decode_text, encode_text
from farwork.storage.rows import task_from
from farwork.storage.statements import Statements
from farwork.storage.waits import Name
from farwork.storage.writes import Ask, Write

ACTIVE = "active"
LANES_MAX = 1_000
# Claims that are limited in number are decided one after the other, among all processes.
LIMIT_LOCK = 0x4661_726C

Place = tuple[str, str]
"""A project and a queue of it."""

_NO_LABELS: dict[str, str] = {}


@dataclass(slots=True, frozen=True)
class QueueSetting:
    """How a queue is set: open or not, how many of its tasks may run, the label that shares it."""

    state: str = ACTIVE
    running_max: int | None = None
    fair_by: str | None = None


UNSET = QueueSetting()


@dataclass(slots=True, frozen=True)
class Settings:
    """How a project's queues are set, and how many tasks with one value of a label may run."""

    queues: Mapping[str, QueueSetting]
    label_limits: Mapping[str, int]

    @property
    def limits(self) -> bool:
        """Whether anything is limited."""
        return bool(self.label_limits) or any(
            queue.running_max is not None for queue in self.queues.values()
        )

    def queue(self, name: str) -> QueueSetting:
        """How a queue is set."""
        return self.queues.get(name, UNSET)

    def keys(self, queue: str) -> set[str]:
        """The labels that keep the lanes of a queue apart."""
        fair_by = self.queue(queue).fair_by
        return {*self.label_limits} | ({fair_by} if fair_by else set())

    def lane(self, task: Task) -> str:
        """The lane in which a task waits."""
        if not task.requires and not task.labels:
            return ""
        keys = self.keys(task.queue)
        minded = {key: value for key, value in task.labels.items() if key in keys}
        if not task.requires and not minded:
            return ""
        return encode_text([dict(sorted(task.requires.items())), dict(sorted(minded.items()))])

    def slots(self, task: Task) -> list[str]:
        """What the task counts against while a worker holds it, beside its queue."""
        return [
            slot_of(task.queue, key, task.labels[key])
            if key not in self.label_limits
            else slot_of(None, key, task.labels[key])
            for key in sorted(self.keys(task.queue))
            if key in task.labels
        ]


def slot_of(queue: str | None, key: str, value: str) -> str:
    """The slot of a label: in the whole project or, to share it fairly, in one queue."""
    return encode_text([queue, key, value])


def read_settings(connection: Connection, statements: Statements, project: str) -> Settings:
    """How a project's queues and labels are set."""
    queues = statements.work.select_queues.all(connection, (project,))
    limits = statements.work.select_label_limits.all(connection, (project,))
    return Settings(
        {name: QueueSetting(*setting) for name, *setting in queues},
        dict([tuple(row) for row in limits]),
    )


@lru_cache(4_096)
def _wants(lane: str) -> tuple[dict[str, str], dict[str, str]]:
    """What a lane requires of a worker, and its values of the labels that are minded."""
    if not lane:
        return _NO_LABELS, _NO_LABELS
    requires, minded = decode_text(lane)
    return requires, minded


Entry = tuple[int, int, int, str]
"""Sorts by urgency, then age; then the key and the id."""


def _entry(task: Task) -> Entry:
    return -task.priority, task.created_at, task.pk, task.id


@dataclass(slots=True)
class _Lane:
    name: str
    heap: list[Entry] = field(default_factory=list[Entry])


@dataclass(slots=True)
class _Pool:
    """The ready tasks of one queue, as far as they were looked at."""

    project: str
    queue: str
    lanes: dict[str, _Lane]


class Claims:
    """What can be claimed in one batch."""

    def __init__(
        self,
        connection: Connection,
        statements: Statements,
        tasks: dict[Name, Task | None],
        keep: Callable[[Name, Task], None],
    ) -> None:
        self._connection = connection
        self._statements = statements
        self._tasks = tasks
        self._keep = keep
        self._settings: dict[str, Settings] = {}
        self._demand: Counter[Place] = Counter()
        self._pools: dict[Place, _Pool] = {}
        self._fresh: dict[Place, dict[str, Task]] = {}
        self._moved: Counter[Place] = Counter()
        self._running: dict[tuple[str, str], int] = {}
        self._freed: Counter[tuple[str, str]] = Counter()
        self._locked = False

    def expect(self, writes: Iterable[Write]) -> None:
        """Count how much these writes may claim, so that each queue is read once."""
        for write in writes:
            if write.claim is not None:
                for queue in write.claim.queues:
                    self._demand[write.project, queue] += write.claim.tasks_max

    def settings(self, project: str) -> Settings:
        """How a project is set."""
        if project not in self._settings:
            found = read_settings(self._connection, self._statements, project)
            self._settings[project] = found
        return self._settings[project]

    # --- what happens meanwhile ---

    def note(self, before: Task | None, after: Task | None) -> None:
        """Mind that a task changed."""
        was = before is not None and before.is_ready
        stands = after is not None and after.is_ready
        if after is not None and stands and not was:
            place = (after.project, after.queue)
            self._fresh.setdefault(place, {})[after.id] = after
            pool = self._pools.get(place)
            if pool is not None:
                self._add(pool, after)
        elif before is not None and was and not stands:
            self._moved[before.project, before.queue] += 1
        if before is not None and before.worker is not None:
            if after is None or after.worker is None:
                self._count(before, -1)
        elif after is not None and after.worker is not None:
            self._count(after, 1)

    def _count(self, task: Task, sign: int) -> None:
        if not self._demand:
            return
        for slot in self._slots(task):
            self._freed[task.project, slot] -= sign

    def _slots(self, task: Task) -> list[str]:
        queue = slot_of(task.queue, "", "")
        return [queue, *self.settings(task.project).slots(task)]

    def slots(self, task: Task) -> list[tuple[str, str, int]]:
        """The rows of the slots that a claimed task counts against."""
        slots = self.settings(task.project).slots(task)
        return [(task.project, slot, task.pk) for slot in slots]

    def _add(self, pool: _Pool, task: Task) -> None:
        lane = pool.lanes.setdefault(task.lane, _Lane(task.lane))
        heappush(lane.heap, _entry(task))

    # --- choosing ---

    def next(self, project: str, ask: Ask) -> str | None:
        """The id of the task that a worker may claim next, None: there is none for it."""
        settings = self.settings(project)
        if settings.limits:
            self._lock()
        heads: list[tuple[str, _Lane]] = []
        for queue in ask.queues:
            if settings.queue(queue).state == ACTIVE and self._has_room(project, queue):
                lanes = self._pool(project, queue).lanes.values()
                heads += [(queue, lane) for lane in lanes if self._serves(project, lane, ask)]
        if not heads:
            return None
        queue = _drawn({queue for queue, _ in heads}, ask)
        lanes = [(q, lane) for q, lane in heads if queue in (None, q)]
        _, best = min(lanes, key=lambda one: (self._share(project, *one), one[1].heap[0]))
        return best.heap[0][3]

    def _lock(self) -> None:
        if self._statements.postgres and not self._locked:
            self._connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (LIMIT_LOCK,))
            self._locked = True

    def _has_room(self, project: str, queue: str) -> bool:
        running_max = self.settings(project).queue(queue).running_max
        slot = slot_of(queue, "", "")
        return running_max is None or self._runs(project, slot, queue) < running_max

    def _runs(self, project: str, slot: str, queue: str | None = None) -> int:
        """How many tasks count against a slot (of a whole `queue`)."""
        key = (project, slot)
        if key not in self._running:
            work = self._statements.work
            if queue is None:
                rows = work.count_slot.all(self._connection, key)
            else:
                rows = work.count_queue.all(self._connection, (project, queue))
            self._running[key] = rows[0][0]
        return self._running[key] - self._freed[key]

    def _serves(self, project: str, lane: _Lane, ask: Ask) -> bool:
        """Whether the lane's head may be claimed."""
        requires, minded = _wants(lane.name)
        if any(ask.labels.get(key) != value for key, value in requires.items()):
            return False
        if not self._drop_stale(project, lane):
            return False
        limits = self.settings(project).label_limits
        return all(
            self._runs(project, slot_of(None, key, value)) < limits[key]
            for key, value in minded.items()
            if key in limits
        )

    def _drop_stale(self, project: str, lane: _Lane) -> bool:
        """Take away what is no longer ready; whether something is left."""
        while lane.heap:
            task = self._tasks.get((project, lane.heap[0][3]))
            if task is not None and task.is_ready:
                return True
            heappop(lane.heap)
        return False

    def _share(self, project: str, queue: str, lane: _Lane) -> int:
        """How many tasks run of those with whom the lane shares its queue."""
        settings = self.settings(project)
        fair_by = settings.queue(queue).fair_by
        value = _wants(lane.name)[1].get(fair_by) if fair_by else None
        if fair_by is None or value is None:
            return 0
        limited = fair_by in settings.label_limits
        return self._runs(project, slot_of(None if limited else queue, fair_by, value))

    # --- looking ---

    def _pool(self, project: str, queue: str) -> _Pool:
        place = (project, queue)
        pool = self._pools.get(place)
        if pool is None:
            pool = self._pools[place] = _Pool(project, queue, {})
            for lane in self._lanes(place):
                self._read(pool, lane)
            for task in self._fresh.get(place, {}).values():
                self._add(pool, task)
        return pool

    def _lanes(self, place: Place) -> Iterable[str]:
        work = self._statements.work
        lane: str | None = work.first_lane.all(self._connection, place)[0][0]
        for _ in range(LANES_MAX):
            if lane is None:
                return
            yield lane
            lane = work.next_lane.all(self._connection, (*place, lane))[0][0]

    def _read(self, pool: _Pool, name: str) -> None:
        place = (pool.project, pool.queue)
        # Of what the table has, this batch may already have moved some.
        count = self._demand[place] + self._moved[place]
        rows = self._statements.work.select_ready.all(self._connection, (*place, name, count))
        lane = pool.lanes[name] = _Lane(name)
        for row in rows:
            task = task_from(row)
            self._keep((task.project, task.id), task)
            lane.heap.append(_entry(task))
        heapify(lane.heap)


def _drawn(queues: set[str], ask: Ask) -> str | None:
    """The queue to take from, drawn by weight; None: whichever has the most urgent task."""
    if not ask.weights:
        return None
    ordered = sorted(queues)
    weights = [ask.weights.get(queue, 1.0) for queue in ordered]
    left = ask.dice() * sum(weights)
    for queue, weight in zip(ordered, weights, strict=True):
        left -= weight
        if left < 0:
            return queue
    return ordered[-1]
