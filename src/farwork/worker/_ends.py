"""Ends of leases, in the outbox and from there to the server."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import structlog

from farwork.protocol.leases import Completed, CompleteIn, Failed, FailIn, LeaseOut
from farwork.sdk import Client, Refused
from farwork.worker._outbox import Outbox

log = structlog.get_logger()

COMPLETE, FAIL = "complete", "fail"
_completed = msgspec.json.Decoder(Completed)
_failed = msgspec.json.Decoder(Failed)


class Ends:
    """Delivers what attempts ended with; tells of each lease whose end has arrived."""

    def __init__(
        self,
        path: Path | None,
        client: Client,
        worker: str,
        on_delivered: Callable[[str, int], None],
    ) -> None:
        self._client = client
        self._worker = worker
        self._on_delivered = on_delivered
        self._outbox = Outbox(path, self._send)
        self.open = self._outbox.open
        self.close = self._outbox.close

    def add(self, end: Completed | Failed) -> None:
        """Keep an end; it is safe from here on."""
        kind = FAIL if isinstance(end, Failed) else COMPLETE
        self._outbox.add(kind, msgspec.json.encode(end))

    def _send(self, kind: str, bodies: Sequence[bytes]) -> None:
        decoder = _failed if kind == FAIL else _completed
        ends = [decoder.decode(body) for body in bodies]
        try:
            self._tell(self._say(kind, ends))
        except Refused as refusal:
            log.warning("an end came too late", error=str(refusal))
        for end in ends:
            self._on_delivered(end.task_id, end.lease_seq)

    def _say(self, kind: str, ends: Sequence[Completed | Failed]) -> list[LeaseOut]:
        if kind == FAIL:
            failed = [end for end in ends if isinstance(end, Failed)]
            return self._client.fail_leases(FailIn(failed, self._worker)).items
        completed = [end for end in ends if isinstance(end, Completed)]
        return self._client.complete_leases(CompleteIn(completed, self._worker)).items

    def _tell(self, items: Sequence[LeaseOut]) -> None:
        for item in items:
            if item.code is not None:
                log.warning("an end came too late", task=item.task_id, error=item.detail)
