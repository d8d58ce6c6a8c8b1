"""What is said under leases and must arrive: ends, and how shards stand. Spooled, in order."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from farwork.protocol.leases import (
    Beat,
    Completed,
    CompleteIn,
    Failed,
    FailIn,
    HeartbeatIn,
    LeaseOut,
)
from farwork.protocol.reports import ErrorIn
from farwork.sdk import Client, InvalidRequest, Refused
from farwork.worker._log import log
from farwork.worker._spool import Spool

COMPLETE, FAIL, BEAT = "complete", "fail", "beat"
SHARDS_INCOMPLETE = "shards_incomplete"
_completed = msgspec.json.Decoder(Completed)
_failed = msgspec.json.Decoder(Failed)
_beat = msgspec.json.Decoder(Beat)


class Ends:
    """Delivers what attempts ended with; tells of each lease whose end has arrived."""

    def __init__(
        self,
        folder: Path | None,
        client: Client,
        worker: str,
        lease_s: float,
        on_delivered: Callable[[str, int], None],
    ) -> None:
        self._client = client
        self._worker = worker
        self._lease_s = lease_s
        self._on_delivered = on_delivered
        self._attempts_max: dict[tuple[str, int], int] = {}
        self._spool = Spool(folder, self._send, self._turned_away)
        self.open = self._spool.open
        self.close = self._spool.close

    def add(self, end: Completed | Failed, attempts_max: int | None = None) -> None:
        """Keep an end; it is safe from here on.

        A success that the task's shards do not bear out is a failure: `attempts_max` is how often
        it may be tried then, None: as often as the task says.
        """
        if attempts_max is not None:
            self._attempts_max[end.task_id, end.lease_seq] = attempts_max
        self._add(FAIL if isinstance(end, Failed) else COMPLETE, msgspec.json.encode(end))

    def add_beat(self, beat: Beat) -> None:
        """Keep what is said of a shard; it arrives before any end that is added later."""
        self._add(BEAT, msgspec.json.encode(beat))

    def _add(self, kind: str, body: bytes) -> None:
        # Whoever delivers it, maybe for the second time, says it in the name of who held the lease:
        # the server recognises what comes again by who says it.
        self._spool.add(f"{kind} {self._worker}", body)

    def _send(self, title: str, bodies: Sequence[bytes]) -> None:
        kind, _, worker = title.partition(" ")
        if kind == BEAT:
            beats = [_beat.decode(body) for body in bodies]
            said = HeartbeatIn(worker, beats, self._lease_s)
            _warn(self._client.renew_leases(said).items)
            return
        decoder = _failed if kind == FAIL else _completed
        ends = [decoder.decode(body) for body in bodies]
        try:
            items = self._say(ends, worker)
            _warn([item for item in items if item.code != SHARDS_INCOMPLETE])
            self._fail_incomplete(ends, items, worker)
        except Refused as refusal:
            log.warning("an end came too late", error=str(refusal))
        for end in ends:
            self._delivered(end)

    def _delivered(self, end: Completed | Failed) -> None:
        self._attempts_max.pop((end.task_id, end.lease_seq), None)
        self._on_delivered(end.task_id, end.lease_seq)

    def _fail_incomplete(
        self, ends: Sequence[Completed | Failed], items: Sequence[LeaseOut], worker: str
    ) -> None:
        """Fail what was no success: nobody else would end it, and its lease would run out."""
        failed: list[Failed] = []
        for end, item in zip(ends, items, strict=True):
            if item.code == SHARDS_INCOMPLETE:
                log.warning("shards are missing", task=end.task_id, error=item.detail)
                failure = _instead_of(end, ErrorIn(item.code, item.detail))
                failure.attempts_max = self._attempts_max.get((end.task_id, end.lease_seq))
                failure.message, failure.metadata = end.message, end.metadata
                failure.result, failure.results = end.result, end.results
                failed.append(failure)
        if failed:
            _warn(self._client.fail_leases(FailIn(failed, worker)).items)

    def _say(self, ends: Sequence[Completed | Failed], worker: str) -> list[LeaseOut]:
        failed = [end for end in ends if isinstance(end, Failed)]
        if failed:
            return self._client.fail_leases(FailIn(failed, worker)).items
        completed = [end for end in ends if isinstance(end, Completed)]
        return self._client.complete_leases(CompleteIn(completed, worker)).items

    def _turned_away(self, title: str, body: bytes, refusal: InvalidRequest) -> None:
        """An end that the server will never take is a failure of the task, and told as such."""
        kind, _, worker = title.partition(" ")
        if kind == BEAT:
            return
        end = (_failed if kind == FAIL else _completed).decode(body)
        error = ErrorIn("refused_end", f"The server does not take what it ended with: {refusal}")
        failed = _instead_of(end, error)
        failed.retryable = False
        self._client.fail_leases(FailIn([failed], worker))
        self._delivered(end)


def _instead_of(end: Completed | Failed, error: ErrorIn) -> Failed:
    """A failure in the place of an end."""
    return Failed(
        task_id=end.task_id,
        lease_seq=end.lease_seq,
        attempt=end.attempt,
        occurred_at=end.occurred_at,
        error=error,
    )


def _warn(items: Sequence[LeaseOut]) -> None:
    for item in items:
        if item.code is not None:
            log.warning("something was said too late", task=item.task_id, error=item.detail)
