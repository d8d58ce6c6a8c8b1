"""The heart: signs of life for everything that a worker holds, off the working threads."""

import threading
from collections.abc import Sequence

from farwork.protocol.leases import Beat, HeartbeatIn, HeartbeatOut, LeaseOut, WorkerState
from farwork.sdk import Client, FarworkError, InvalidRequest
from farwork.worker._context import Context
from farwork.worker._log import log

# News are gathered for so long before they go out.
GATHER_S = 0.5


class Heart:
    """Beats for the contexts that are alive, all in one call."""

    def __init__(self, client: Client, worker: str, lease_s: float) -> None:
        self._client = client
        self._worker = worker
        self._lease_s = lease_s
        self._alive: dict[tuple[str, int], Context] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="farwork-heart", daemon=True)
        self.worker_state: WorkerState = "active"

    def open(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join()

    def watch(self, context: Context) -> None:
        """Beat for a task from now on."""
        with self._lock:
            self._alive[context.task_id, context.claimed.lease_seq] = context

    def forget(self, task_id: str, lease_seq: int) -> None:
        """The task is over, and its end is known to the server."""
        with self._lock:
            self._alive.pop((task_id, lease_seq), None)

    @property
    def contexts(self) -> list[Context]:
        """What is being worked on."""
        with self._lock:
            return list(self._alive.values())

    def _run(self) -> None:
        interval = self._lease_s / 3
        left = interval
        while not self._stopping.wait(min(GATHER_S, left)):
            left -= GATHER_S
            if left <= 0 or any(context.has_news for context in self.contexts):
                interval = self.beat() or interval
                left = interval

    def beat(self) -> float | None:
        """Beat once; the seconds until the next beat is wished, None: nobody answered."""
        contexts = self.contexts
        said = [context.beat() for context in contexts]
        try:
            answer = self._renew([beat for beat, _ in said])
        except InvalidRequest as refusal:
            log.warning("the server does not take what a task says", error=str(refusal))
            return self._beat_one_by_one(contexts, [beat for beat, _ in said])
        except FarworkError as error:
            log.warning("no answer to a heartbeat", error=str(error), leases=len(said))
            for context, (_, unsaid) in zip(contexts, said, strict=True):
                context.unsay(unsaid)
            return None
        self._hear(contexts, answer)
        return answer.interval_seconds

    def _beat_one_by_one(self, contexts: Sequence[Context], beats: Sequence[Beat]) -> float | None:
        """Keep every lease, whatever one of the tasks has said; what cannot be taken is dropped."""
        interval: float | None = None
        for context, beat in zip(contexts, beats, strict=True):
            for said in (beat, context.bare_beat()):
                try:
                    answer = self._renew([said])
                except InvalidRequest as refusal:
                    log.warning("dropped", task=context.task_id, error=str(refusal))
                    continue
                except FarworkError as error:
                    log.warning("no answer to a heartbeat", error=str(error), leases=1)
                    break
                self._hear([context], answer)
                interval = answer.interval_seconds
                break
        return interval

    def _renew(self, beats: list[Beat]) -> HeartbeatOut:
        return self._client.renew_leases(HeartbeatIn(self._worker, beats, self._lease_s))

    def _hear(self, contexts: Sequence[Context], answer: HeartbeatOut) -> None:
        self.worker_state = answer.worker_state
        for context, item in zip(contexts, answer.items, strict=True):
            self._tell(context, item)

    def _tell(self, context: Context, item: LeaseOut) -> None:
        if context.has_ended:
            # Its end may have arrived before this sign of life did.
            return
        if item.code is not None:
            log.warning("a lease is over", task=item.task_id, error=item.detail)
            context.cancel(over=True)
        elif item.cancel:
            context.cancel()
