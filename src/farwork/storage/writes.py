"""What is handed to the committer, and what comes back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from farwork.domain.commands import Command, Details
from farwork.domain.errors import DomainError
from farwork.domain.task import Task
from farwork.domain.values import Instant, TaskState, Verdict


@dataclass(slots=True)
class Ask:
    """What a worker asks for: so many tasks at most, of these queues, under a lease.

    With `weights` each task's queue is drawn by weight, else the most urgent of all comes first.
    `labels` are what the worker offers. `dice` gives numbers from 0 up to 1.
    """

    worker: str
    queues: Sequence[str]
    tasks_max: int
    lease_us: int
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    weights: Mapping[str, float] = field(default_factory=dict[str, float])
    dice: Callable[[], float] = lambda: 0.0


@dataclass(slots=True)
class Renewal:
    """A lease (by key and number) that lasts until `ends_at` at least, if it is the present one."""

    task_pk: int
    lease_seq: int
    ends_at: Instant


@dataclass(slots=True)
class Outcome:
    """What became of one command: the task from then on, or the refusal that changed nothing.

    Of a claimed task it has the `details` too.
    """

    task_id: str
    task: Task | None = None
    verdict: Verdict | None = None
    reason: str | None = None
    event_id: int | None = None
    refusal: DomainError | None = None
    existed: bool = False
    details: Details | None = None

    @property
    def state(self) -> TaskState | None:
        """The task's state from then on."""
        return None if self.task is None else self.task.state


@dataclass(slots=True)
class Idempotency:
    """A request that may come again: its key, what it asked, and how its answer is written.

    `render` runs inside the transaction and gives the status and the body that are stored with it.
    """

    key: str
    fingerprint: bytes
    render: Callable[[list[Outcome]], tuple[int, bytes]]


@dataclass(slots=True)
class StoredAnswer:
    """The answer that was given to the same request before."""

    status: int
    body: bytes


@dataclass(slots=True, frozen=True)
class Asker:
    """Who asks for something, as the audit trail says it, and from which address."""

    actor: str
    address: str | None


@dataclass(slots=True)
class Write:
    """Commands about tasks of one project, carried out in order and in one transaction.

    An `atomic` write is carried out whole or not at all: the first refusal is raised. Else every
    command has its own outcome. When they are carried out, `claim` is answered with as many
    outcomes more as there were tasks to claim. `also` is done in the same transaction once the
    commands have been written: what it refuses refuses the whole. Nothing is kept after `until`
    (see `clock.ticks`), when the sender waits no more. What an `asker` has changed is told in the
    audit trail.
    """

    project: str
    commands: list[Command]
    atomic: bool = False
    idempotency: Idempotency | None = None
    claim: Ask | None = None
    renewals: Sequence[Renewal] = ()
    also: "Work | None" = None
    until: float | None = None
    asker: Asker | None = None


@dataclass(slots=True)
class Answer:
    """The answer to a write: the outcomes, or the answer of the first time it was asked.

    `beside` is what the write's `also` gave. Without `renewed`, some lease of its transaction was
    not renewed: it is over, or lasts longer anyway.
    """

    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    stored: StoredAnswer | None = None
    beside: Any = None
    renewed: bool = True


Work = Callable[[Any, Any, Any], tuple[Any, int | None]]
"""A function of a connection, the statements and a clock, run alone in a transaction of its own.

It gives its result and, when it wrote events, the feed's new head. It runs again when the database
asks for it (a deadlock, a lost connection).
"""
