"""Keeping what came of attempts, and telling the owner when an endpoint dies or comes back."""

from typing import Any

import msgspec
from sqlalchemy import Connection

from farwork.clock import Now
from farwork.domain.events import EventType
from farwork.domain.values import Instant, Json, moment
from farwork.notifications.lanes import Finished, Lane
from farwork.notifications.schedule import Reply, next_try
from farwork.protocol.hooks import AttemptMade
from farwork.storage import delivery_store, hook_store
from farwork.storage.delivery_store import DeliveryRow, Tried
from farwork.storage.statements import Statements
from farwork.storage.writes import Work

TRIES_KEPT_MAX = 12
_TOLD = {
    "opened": EventType.HOOK_FAILING,
    "closed": EventType.HOOK_RECOVERED,
    "dead": EventType.HOOK_DISABLED,
    "gone": EventType.HOOK_DISABLED,
}
_log = msgspec.json.Decoder(list[AttemptMade])


def made(reply: Reply, at: Instant) -> AttemptMade:
    """An attempt as it is shown."""
    return AttemptMade(
        at=moment(at),
        ok=reply.ok,
        status=reply.status,
        latency_ms=reply.latency_ms,
        error=reply.trouble,
        response=reply.response,
    )


def tries_of(row: DeliveryRow) -> list[AttemptMade]:
    """The latest attempts at a delivery."""
    return _log.decode(row.log)


def finished(  # noqa: PLR0913 - what an attempt consists of
    lane: Lane,
    row: DeliveryRow,
    reply: Reply,
    attempts: int,
    *,
    at: Instant,
    now: Instant,
    dice: float,
) -> Finished:
    """What is to be kept of an attempt; the lane's circuit takes it in at once."""
    before = lane.circuit.values()
    became = "gone" if reply.is_gone else lane.circuit.note(reply, now, dice)
    tries = [*tries_of(row), made(reply, at)][-TRIES_KEPT_MAX:]
    state, next_at = "delivered", now
    if reply.is_gone:
        state = "abandoned"
    elif not reply.ok:
        again = next_try(max(attempts, 1), reply, now, dice)
        if row.next_at > now and again is not None:
            # A probe that failed leaves the schedule as it was.
            again = row.next_at
        state, next_at = ("failed", now) if again is None else ("due", again)
    values: dict[str, Any] = {
        "state": state,
        "next_at": next_at,
        "attempts": attempts,
        "log": msgspec.json.encode(tries).decode(),
        "ended_at": now if state != "due" else None,
    }
    after = lane.circuit.values()
    changed: dict[str, Any] = after if after != before else {}
    if became in ("dead", "gone"):
        reason = "gone" if became == "gone" else "failing"
        changed = changed | {"state": "disabled", "reason": reason, "updated_at": now}
    return Finished(lane, row, values, changed, became)


def keeping(batch: list[Finished]) -> Work:
    """A piece of work that keeps attempts, and tells the feed what became of hooks."""

    def work(connection: Connection, statements: Statements, tick: Now) -> tuple[None, int | None]:
        delivery_store.record(
            connection,
            [
                Tried(one.row.hook_id, one.row.position, one.row.subject, **one.values)
                for one in batch
            ],
        )
        notes: dict[str, dict[str, Any]] = {}
        for one in batch:
            if one.hook_values:
                notes.setdefault(one.row.hook_id, {}).update(one.hook_values)
        for hook_id in sorted(notes):
            hook_store.note(connection, hook_id, notes[hook_id])
        head: int | None = None
        for one in batch:
            if one.became is not None:
                if one.became == "closed":
                    delivery_store.hasten(connection, one.row.hook_id, tick())
                head = _tell(connection, statements, one, tick())
        return None, head

    return work


def _tell(connection: Connection, statements: Statements, one: Finished, at: Instant) -> int:
    hook = one.lane.hook
    data: dict[str, Json] = {"name": hook.name, "url": hook.url}
    if one.became != "closed":
        data["error"] = one.hook_values.get("last_error")
        data["reason"] = {"opened": "failing", "dead": "failing", "gone": "gone"}[str(one.became)]
    return hook_store.tell(connection, statements, _TOLD[str(one.became)], hook, at, data)
