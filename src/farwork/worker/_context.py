"""What a function sees of the task that it works on."""

import threading
from dataclasses import dataclass, field
from typing import Any

from farwork.protocol.leases import Beat, ClaimedOut
from farwork.protocol.reports import ProgressIn
from farwork.protocol.submissions import SubmissionIn, SubmissionOut
from farwork.sdk import Client

CHECKPOINT = "checkpoint"
"""Where in the task's metadata a checkpoint is kept."""


class Cancelled(Exception):
    """The task shall end: somebody cancelled it, or another worker has it."""


class TimedOut(Exception):
    """The function ran for longer than it may."""

    category = "run_timeout"


class NotRetryable(Exception):
    """The task failed, and trying again would not help."""

    def __init__(self, message: str, category: str | None = None) -> None:
        super().__init__(message)
        self.category = category


@dataclass(slots=True)
class Unsaid:
    """What has been said of a task and not yet been sent."""

    percent: float | None = None
    message: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send."""
        return self.percent is None and self.message is None and not self.metadata


class Context:
    """A task that is being worked on. Its methods may be called from any thread.

    What is said goes out with the next heartbeat; only the latest of each is sent.
    """

    def __init__(self, claimed: ClaimedOut, client: Client | None = None) -> None:
        self._claimed = claimed
        self._client = client
        self._lock = threading.Lock()
        self._unsaid = Unsaid()
        self._cancelled = threading.Event()
        self._refused = False
        self._over = False
        self._timed_out = False

    @property
    def task_id(self) -> str:
        """The id of the task."""
        return self._claimed.task.id

    @property
    def params(self) -> dict[str, Any]:
        """What the task was created with."""
        return self._claimed.task.params

    @property
    def attempt(self) -> int:
        """Which try this is, from 1 on."""
        return self._claimed.attempt

    @property
    def claimed(self) -> ClaimedOut:
        """The task and its lease, as the server gave them."""
        return self._claimed

    @property
    def traceparent(self) -> str | None:
        """Under what the task is done (W3C Trace Context), None: nobody traces it.

        What this library sends meanwhile carries it; hand it to whatever else takes part.
        """
        return self._claimed.traceparent

    @property
    def inputs(self) -> dict[str, list[Any]]:
        """The data of the results of the task's inputs, by the input's id."""
        return {one.id: [result.data for result in one.results] for one in self._claimed.inputs}

    @property
    def cancelled(self) -> bool:
        """Whether the task shall end: it is being cancelled, or the lease is lost."""
        return self._cancelled.is_set()

    @property
    def is_over(self) -> bool:
        """Whether another worker may have the task by now."""
        return self._over

    def check(self) -> None:
        """Raises `Cancelled` if the task shall end."""
        if self._timed_out:
            raise TimedOut("It ran for longer than it may.")
        if self.cancelled:
            raise Cancelled("the task is cancelled" if not self._over else "the lease is over")

    def wait(self, seconds: float) -> bool:
        """Wait so many seconds, or until the task shall end; whether it shall."""
        return self._cancelled.wait(seconds)

    def refuse_to_cancel(self) -> None:
        """Go on although the task is being cancelled."""
        self._refused = True

    def progress(self, percent: float, message: str | None = None) -> None:
        """Say how far the task is, 0 to 100."""
        with self._lock:
            self._unsaid.percent = min(max(float(percent), 0.0), 100.0)
            self._unsaid.message = message if message is not None else self._unsaid.message

    def log(self, message: str) -> None:
        """Say what is going on, in one line."""
        with self._lock:
            self._unsaid.message = message

    def note(self, **metadata: Any) -> None:
        """Keep facts beside the task: a loss, a path, a version."""
        with self._lock:
            self._unsaid.metadata.update(metadata)

    def checkpoint(self, value: Any) -> None:
        """Keep a JSON value that the next attempt finds in `resumed`."""
        self.note(**{CHECKPOINT: value})

    @property
    def resumed(self) -> Any:
        """The last checkpoint of an earlier attempt, None: there is none."""
        return self._claimed.task.metadata.get(CHECKPOINT)

    def submission(
        self,
        platform: str,
        part: str = "",
        *,
        shard: int | None = None,
        external_ref: str | None = None,
        anew: bool = False,
    ) -> SubmissionOut:
        """Note what is about to be handed to a platform, and again with the id that it gave.

        Before: submit under the `token`, unless there is an `external_ref` already; then go on
        with that. `anew` forgets what an earlier attempt submitted. Raises `FarworkError`.
        """
        if self._client is None:
            raise RuntimeError("A process of its own has no connection; use a thread for this.")
        return self._client.note_submission(
            SubmissionIn(
                task_id=self.task_id,
                lease_seq=self._claimed.lease_seq,
                platform=platform,
                part=part,
                shard=shard,
                external_ref=external_ref,
                anew=anew,
            )
        )

    # --- for whoever runs it ---

    def beat(self) -> tuple[Beat, Unsaid]:
        """The next sign of life, and what it says."""
        with self._lock:
            said, self._unsaid = self._unsaid, Unsaid()
        beat = Beat(
            task_id=self.task_id,
            lease_seq=self._claimed.lease_seq,
            attempt=self._claimed.attempt,
            cancel_refused=self._refused,
        )
        if said.percent is not None or said.message is not None:
            beat.progress = ProgressIn(said.percent, said.message)
        if said.metadata:
            beat.metadata = said.metadata
        return beat, said

    def unsay(self, said: Unsaid) -> None:
        """What was said did not arrive; say it again unless something newer was said."""
        with self._lock:
            newer, self._unsaid = self._unsaid, said
            if newer.percent is not None:
                said.percent = newer.percent
            if newer.message is not None:
                said.message = newer.message
            said.metadata.update(newer.metadata)

    @property
    def has_news(self) -> bool:
        """Whether something is to be sent."""
        return not self._unsaid.is_empty

    def cancel(self, *, over: bool = False) -> None:
        """Tell the function that the task shall end."""
        self._over = self._over or over
        if over or not self._refused:
            self._cancelled.set()

    def time_out(self) -> None:
        """Tell the function that its time is up."""
        self._timed_out = True
        self._cancelled.set()

    def last_words(self) -> dict[str, Any] | None:
        """The metadata that goes out with the end."""
        with self._lock:
            said, self._unsaid = self._unsaid, Unsaid()
        return said.metadata or None
