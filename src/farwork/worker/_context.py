"""What a function sees of the task that it works on."""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

from farwork import clock
from farwork.domain.values import TaskState, moment
from farwork.protocol.leases import Beat, ClaimedOut
from farwork.protocol.reports import ErrorIn, ProgressIn, ResultIn, ShardIn
from farwork.protocol.submissions import SubmissionIn, SubmissionOut
from farwork.sdk import Client, ShardOut
from farwork.worker._files import File, file_of, files_of
from farwork.worker._unsaid import Unsaid, as_json

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


class ShardsFailed(Exception):
    """Shards of the task failed; another attempt need only do these."""

    category = "shards"


class Context:
    """A task that is being worked on. Its methods may be called from any thread.

    What is said goes out with the next heartbeat: the latest percentage and status, every line that
    was logged, the latest value of each key of the metadata.
    """

    def __init__(
        self,
        claimed: ClaimedOut,
        client: Client | None = None,
        post: Callable[[Beat], None] | None = None,
    ) -> None:
        self._claimed = claimed
        self._client = client
        self._post = post
        self._lock = threading.Lock()
        self._unsaid = Unsaid()
        self._results: list[ResultIn] = []
        self._failed_shards: dict[int, str] = {}
        self._cancelled = threading.Event()
        self._refused = False
        self._over = False
        self._timed_out = False
        self._has_ended = False
        self._on_cancel: list[Callable[[], object]] = []

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

    # --- whether to go on ---

    @property
    def cancelled(self) -> bool:
        """Whether the task shall end: it is being cancelled, its time is up, the lease is lost."""
        return self._cancelled.is_set()

    @property
    def is_over(self) -> bool:
        """Whether another worker may have the task by now."""
        return self._over

    @property
    def is_out_of_time(self) -> bool:
        """Whether the function ran for longer than it may."""
        return self._timed_out

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

    # --- what is said ---

    def progress(self, percent: float, message: str | None = None) -> None:
        """Say how far the task is, 0 to 100."""
        with self._lock:
            self._unsaid.percent = min(max(float(percent), 0.0), 100.0)
            self._unsaid.status = message if message is not None else self._unsaid.status

    def log(self, message: str) -> None:
        """Say what is going on; every line is kept with the task's events."""
        with self._lock:
            self._unsaid.log(str(message))

    def note(self, **metadata: Any) -> None:
        """Keep facts beside the task: a loss, a path, a version. Raises `TypeError`: no JSON."""
        said = as_json("The note", metadata)
        with self._lock:
            self._unsaid.metadata.update(said)

    def checkpoint(self, value: Any) -> None:
        """Keep a JSON value that the next attempt finds in `resumed`. Raises `TypeError`."""
        self.note(**{CHECKPOINT: value})

    @property
    def resumed(self) -> Any:
        """The last checkpoint of an earlier attempt, None: there is none."""
        return self._claimed.task.metadata.get(CHECKPOINT)

    # --- what comes out ---

    def result(
        self,
        data: Any = None,
        *,
        name: str = "result",
        type: str | None = None,  # noqa: A002 - the word of the API
        files: "Sequence[str | os.PathLike[str] | File]" = (),
    ) -> None:
        """Add a result to what the task ends with. Raises `OSError`, or `TypeError`: no JSON.

        Of a file the server keeps the name, the address, the size and the digest: a path is told of
        as `file` does it.
        """
        told = as_json("The files", files_of(files))
        one = ResultIn(name, type, as_json("The result", data), told)
        with self._lock:
            self._results.append(one)

    def file(self, path: "str | os.PathLike[str]", uri: str | None = None) -> File:
        """What `result` tells of a file; `uri` is where others find it. Raises `OSError`.

        The file is read for its digest, and stays where it is.
        """
        return file_of(path, uri)

    # --- shards ---

    def shard(  # noqa: PLR0913 - all but the first two are said by name, and rarely together
        self,
        index: int,
        state: str,
        *,
        result: Any = None,
        error: str | None = None,
        external_ref: str | None = None,
        item_offset: int | None = None,
        item_count: int | None = None,
    ) -> None:
        """Say how a part of the task stands: `queued`, `running`, `succeeded`, `failed`.

        Whoever works on a task makes its shards by speaking of them; each covers `item_count` items
        of the task (one, unless that was said) from `item_offset` on. What is said is kept in the
        spool, and arrives before the end of the task does.
        """
        said = ShardIn(
            index=index,
            state=TaskState(state),
            external_ref=external_ref,
            item_offset=item_offset,
            item_count=item_count,
        )
        if result is not None:
            said.result = as_json("The shard's result", result)
        if error is not None:
            said.error = ErrorIn(message=error[:10_000])
        with self._lock:
            self._failed_shards.pop(index, None)
            if said.state is TaskState.FAILED:
                self._failed_shards[index] = error or "failed"
        assert self._post is not None
        self._post(
            Beat(
                task_id=self.task_id,
                lease_seq=self._claimed.lease_seq,
                attempt=self._claimed.attempt,
                occurred_at=moment(clock.now()),
                shard=said,
            )
        )

    def shards(self) -> list[ShardOut]:
        """The shards as the server knows them: what an earlier attempt did need not be done again.

        What was said of them a moment ago may not have arrived.

        Raises `FarworkError`.
        """
        return list(self._server().list_shards(self.task_id))

    def check_shards(self) -> None:
        """Raises `ShardsFailed` if a shard failed in this attempt."""
        failed = sorted(self._failed_shards.items())
        if failed:
            raise ShardsFailed("; ".join(f"shard {index}: {why}" for index, why in failed))

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
        return self._server().note_submission(
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

    def _server(self) -> Client:
        assert self._client is not None
        return self._client

    # --- for whoever runs it ---

    def beat(self) -> tuple[Beat, Unsaid]:
        """The next sign of life, and what it says."""
        with self._lock:
            said, self._unsaid = self._unsaid, Unsaid()
        beat = self.bare_beat()
        if said.percent is not None or said.message is not None:
            beat.progress = ProgressIn(said.percent, said.message)
        if said.metadata:
            beat.metadata = said.metadata
        return beat, said

    def bare_beat(self) -> Beat:
        """A sign of life that says nothing."""
        return Beat(
            task_id=self.task_id,
            lease_seq=self._claimed.lease_seq,
            attempt=self._claimed.attempt,
            cancel_refused=self._refused,
        )

    def unsay(self, said: Unsaid) -> None:
        """What was said did not arrive; say it again unless something newer was said."""
        with self._lock:
            newer, self._unsaid = self._unsaid, said
            said.put_before(newer)

    @property
    def has_news(self) -> bool:
        """Whether something is to be sent."""
        return not self._unsaid.is_empty

    @property
    def has_ended(self) -> bool:
        """Whether its end has been said, if not yet delivered."""
        return self._has_ended

    def when_cancelled(self, do: Callable[[], object]) -> None:
        """Call this once the task shall end, from whatever thread hears of it."""
        with self._lock:
            self._on_cancel.append(do)
            at_once = self._cancelled.is_set()
        if at_once:
            do()

    def cancel(self, *, over: bool = False) -> None:
        """Tell the function that the task shall end."""
        self._over = self._over or over
        if over or not self._refused:
            self._tell_to_end()

    def time_out(self) -> None:
        """Tell the function that its time is up."""
        self._timed_out = True
        self._tell_to_end()

    def _tell_to_end(self) -> None:
        with self._lock:
            first = not self._cancelled.is_set()
            self._cancelled.set()
            told = list(self._on_cancel) if first else []
        for do in told:
            do()

    def last_words(self) -> tuple[Unsaid, list[ResultIn]]:
        """What goes out with the end: what was not said yet, and the results."""
        with self._lock:
            said, self._unsaid = self._unsaid, Unsaid()
            results, self._results = self._results, []
            self._has_ended = True
        return said, results
