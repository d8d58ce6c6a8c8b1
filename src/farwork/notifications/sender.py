"""The sender: makes the deliveries that are due, in order for each task, and keeps what came of it.

One process at a time has the duty, for all processes of an installation. Everything that matters
is in the tables; whoever takes the duty over goes on from there. A delivery may then be made twice,
and never not at all.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from farwork import clock
from farwork.domain.values import Instant, moment
from farwork.notifications import messages, recording
from farwork.notifications.expander import DutyLost, Expander
from farwork.notifications.lanes import Finished, Lane
from farwork.notifications.post import Poster
from farwork.notifications.schedule import Reply
from farwork.protocol.hooks import AttemptMade
from farwork.realtime.hub import Hub
from farwork.service.ledger import Ledger, Overloaded, StorageUnavailable
from farwork.storage import delivery_store, hook_store, leader_store
from farwork.storage.delivery_store import DeliveryRow
from farwork.storage.hook_store import HookRow
from farwork.telemetry.traces import HEADER, NoSpans, Spans

log = structlog.get_logger()

DUTY = "hooks"
DUTY_US = 15_000_000
RENEW_US = 5_000_000
IN_FLIGHT_MAX = 256
LANES_AT_ONCE = 100
REFRESH_US = 500_000
# A pause between two rounds: under load one of them serves many commits.
ROUND_S = 0.02
LOOK_S = 0.5
REST_S = 1.0
_EVER = 2**62


@dataclass(slots=True)
class _Question:
    """So many deliveries of a lane are looked for, due until then, besides those under way."""

    lane: Lane
    count: int
    until: Instant
    besides: tuple[int, ...]


class HookSender:
    """Follows the feed and sends, while it has the duty."""

    def __init__(
        self,
        ledger: Ledger,
        hub: Hub,
        poster: Poster,
        dice: Callable[[], float] = clock.dice,
    ) -> None:
        self._ledger = ledger
        self._hub = hub
        self._poster = poster
        self._dice = dice
        self._owner = clock.token(8).hex()
        self._expander = Expander(ledger)
        self._lanes: dict[str, Lane] = {}
        self._changes: dict[str, Instant] = {}
        self._on_duty_until: Instant = 0
        self._refreshed_at: Instant = 0
        self._finished: list[Finished] = []
        self._attempts: set[asyncio.Task[None]] = set()
        self._stir = asyncio.Event()
        self._stopping = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self.spans: Spans = NoSpans()
        self.on_attempt: Callable[[str, float], None] = lambda _outcome, _seconds: None

    def open(self) -> None:
        """Begin to send."""
        self._runner = asyncio.create_task(self._run())

    async def close(self) -> None:
        """End; what is under way is made again by whoever comes next."""
        self._stopping.set()
        self._stir.set()
        if self._runner is not None:
            await asyncio.gather(self._runner, return_exceptions=True)
        for attempt in self._attempts:
            attempt.cancel()
        await asyncio.gather(*self._attempts, return_exceptions=True)
        with suppress(StorageUnavailable, Overloaded):
            await self._record()
            if self._on_duty_until and self._ledger.store.is_shared:
                await self._ledger.work(lambda con: leader_store.resign(con, DUTY, self._owner))
        self._poster.close()

    async def try_out(self, hook: HookRow) -> AttemptMade:
        """Send a test message at once; what became of it."""
        now = self._ledger.now()
        message_id = messages.webhook_id(hook.id, now)
        body = messages.body_of(hook, message_id, messages.trial_event(hook, now))
        headers = messages.headers_of(hook, message_id, body, now)
        reply = await self._poster.post(hook.url, headers, body)
        return recording.made(reply, now)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way or yet to be kept."""
        return not self._attempts and not self._finished

    @property
    def lags(self) -> dict[str, int]:
        """How far each hook has read the feed, by its id."""
        return {lane.hook.id: lane.position for lane in self._lanes.values()}

    # --- the loop ---

    async def _run(self) -> None:
        while not self._stopping.is_set():
            ticket = self._hub.ticket
            self._stir.clear()
            pause_s = LOOK_S
            try:
                if await self._has_duty():
                    pause_s = await self.run_once()
            except (StorageUnavailable, Overloaded) as error:
                log.warning("webhooks cannot be sent just now", error=str(error))
                pause_s = REST_S
            except DutyLost as error:
                log.warning("webhooks are sent by another process", error=str(error))
                self._lay_down()
                pause_s = REST_S
            except Exception:
                # The loop's boundary: whatever it is, other deliveries shall be made.
                log.exception("sending webhooks stumbled")
                self._lay_down()
                pause_s = REST_S
            await self._pause(ticket, pause_s)

    async def run_once(self) -> float:
        """Keep what came of attempts, read on in the feed, begin what is due.

        How many seconds nothing else is to be done for, unless something happens.
        """
        await self._record()
        now = self._ledger.now()
        if now - self._refreshed_at >= REFRESH_US:
            await self._refresh(now)
        touched, more = await self._expander.run_once(list(self._lanes.values()), now)
        await self._look_at(touched, now)
        await self._begin_due(now)
        return 0.0 if more or self._finished else LOOK_S

    async def _pause(self, ticket: int, seconds: float) -> None:
        if self._stopping.is_set():
            return
        await clock.pause_on_loop(ROUND_S)
        if self._stir.is_set() or seconds <= 0:
            return
        wakers: set[asyncio.Task[bool]] = set()
        wakers.add(asyncio.create_task(self._stir.wait()))
        if self._on_duty_until:
            # Only who sends reads on; to look for work at each commit would cost as much as one.
            wakers.add(asyncio.create_task(self._hub.wait(ticket, seconds)))
        await asyncio.wait(wakers, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for waker in wakers:
            waker.cancel()
        await asyncio.gather(*wakers, return_exceptions=True)

    async def _has_duty(self) -> bool:
        now = self._ledger.now()
        if now < self._on_duty_until - DUTY_US + RENEW_US:
            return True
        if not self._on_duty_until and not await self._ledger.read(hook_store.any_there):
            return False
        if not self._ledger.store.is_shared:
            self._on_duty_until = _EVER
            return True
        until = now + DUTY_US
        mine = await self._ledger.work(
            lambda con: leader_store.lead(con, DUTY, self._owner, now, until)
        )
        if not mine:
            if self._on_duty_until:
                self._lay_down()
            return False
        if not self._on_duty_until:
            log.info("this process sends the webhooks")
        self._on_duty_until = until
        return True

    def _lay_down(self) -> None:
        self._on_duty_until = 0
        self._refreshed_at = 0
        self._lanes.clear()
        self._changes.clear()
        self._expander.forget()

    # --- which hooks there are ---

    async def _refresh(self, now: Instant) -> None:
        """Look which hooks there are, and which were changed or are to send again."""
        first = self._refreshed_at == 0
        since = 0 if first else self._refreshed_at - 60_000_000

        def look(
            connection: Connection,
        ) -> tuple[list[HookRow], list[tuple[str, Instant]], list[str]]:
            changed = [] if first else hook_store.changed_since(connection, since)
            late = delivery_store.with_open(connection) if first else []
            return hook_store.active(connection), changed, late

        active, changed, late = await self._ledger.read(look)
        known = {hook.id for hook in active}
        for hook in active:
            lane = self._lanes.get(hook.id)
            if lane is None:
                self._lanes[hook.id] = Lane.of(hook, now)
            else:
                lane.renew(hook, now)
        for hook_id, lane in list(self._lanes.items()):
            done = lane.look_at is None and not lane.in_flight
            if done if lane.is_callback else hook_id not in known:
                del self._lanes[hook_id]
        fresh = [i for i, at in changed if self._changes.get(i) != at]
        self._changes = dict(changed)
        await self._look_at({*fresh, *late}, now)
        self._refreshed_at = now

    async def _look_at(self, ids: set[str], now: Instant) -> None:
        """See to it that these hooks are looked at, and know those that are new."""
        callbacks = [i for i in ids if i not in self._lanes or self._lanes[i].is_callback]
        if callbacks:
            rows = await self._ledger.read(lambda con: hook_store.of_ids(con, callbacks))
            for row in rows:
                lane = self._lanes.get(row.id)
                if row.state != "active":
                    self._lanes.pop(row.id, None)
                elif lane is None:
                    if row.task_pk is not None:
                        self._lanes[row.id] = Lane.of(row, now)
                else:
                    lane.renew(row, now)
        for hook_id in ids:
            if hook_id in self._lanes:
                self._lanes[hook_id].look_at = now

    # --- sending ---

    async def _begin_due(self, now: Instant) -> None:
        asked = self._questions(now)
        if not asked:
            return

        def look(connection: Connection) -> list[tuple[list[DeliveryRow], Instant | None]]:
            return [
                (
                    delivery_store.due(
                        connection, one.lane.hook.id, one.until, one.count, one.besides
                    ),
                    delivery_store.next_due(connection, one.lane.hook.id, now),
                )
                for one in asked
            ]

        found = await self._ledger.read(look)
        for one, (rows, later) in zip(asked, found, strict=True):
            for row in rows:
                if row.position not in one.lane.in_flight:
                    self._begin(one.lane, row, now)
            one.lane.expect(rows, one.count, later)

    def _questions(self, now: Instant) -> list[_Question]:
        """What to look for: what is due in the lanes that have room, within what there is in all.

        A lane with an open circuit is asked for one delivery, due or not.
        """
        left = IN_FLIGHT_MAX - len(self._attempts)
        asked: list[_Question] = []
        for lane in list(self._lanes.values()):
            if lane.look_at is None or lane.look_at > now:
                continue
            if left <= 0:
                break
            if len(asked) == LANES_AT_ONCE:
                self._stir.set()
                break
            room = min(lane.room(now), left)
            if room > 0:
                left -= room
                until = _EVER if lane.circuit.is_open else now
                asked.append(_Question(lane, room, until, tuple(lane.in_flight)))
            else:
                # Looked at again when an attempt has ended, or when it is time for a probe.
                lane.look_at = None if lane.in_flight else lane.circuit.probe_at
        return asked

    def _begin(self, lane: Lane, row: DeliveryRow, now: Instant) -> None:
        lane.in_flight.add(row.position)
        attempt = asyncio.create_task(self._attempt(lane, row, counts=row.next_at <= now))
        self._attempts.add(attempt)
        attempt.add_done_callback(self._attempts.discard)

    async def _attempt(self, lane: Lane, row: DeliveryRow, *, counts: bool) -> None:
        hook, at = lane.hook, self._ledger.now()
        message_id = messages.webhook_id(row.hook_id, row.position)
        body = messages.body_of(hook, message_id, row.event.encode())
        headers = messages.headers_of(hook, message_id, body, at)
        reply = await self._post(hook.url, headers, body, row)
        self.on_attempt(reply.outcome, reply.latency_ms / 1_000)
        now = self._ledger.now()
        # A probe between two attempts of the schedule does not use one up.
        attempts = row.attempts + (1 if counts or reply.ok else 0)
        dice = 0.0 if reply.ok else self._dice()
        self._finished.append(
            recording.finished(lane, row, reply, attempts, at=at, now=now, dice=dice)
        )
        self._stir.set()

    async def _post(
        self, url: str, headers: messages.Headers, body: bytes, row: DeliveryRow
    ) -> Reply:
        """The reply to an attempt, which is a part of its task's trace."""
        said = {"farwork.hook": row.hook_id, "farwork.event": row.type}
        with self.spans.span("webhook", "client", row.trace, said) as span:
            if span.traceparent is not None:
                headers.append((HEADER, span.traceparent))
            reply = await self._poster.post(url, headers, body)
            span.tell(failed=not reply.ok, **{"farwork.outcome": reply.outcome})
        return reply

    async def _record(self) -> None:
        """Keep what came of attempts; whatever cannot be kept now is kept later."""
        batch, self._finished = self._finished, []
        if not batch:
            return
        try:
            await self._ledger.transact(recording.keeping(batch))
        except BaseException:
            self._finished = batch + self._finished
            raise
        now = self._ledger.now()
        for one in batch:
            one.lane.in_flight.discard(one.row.position)
            one.lane.look_at = now
            if one.became in ("dead", "gone"):
                self._lanes.pop(one.lane.hook.id, None)
            if one.became is not None:
                log.warning(
                    "a webhook's endpoint has changed its ways",
                    hook=one.lane.hook.id,
                    became=one.became,
                    since=moment(now).isoformat(),
                    error=one.lane.circuit.last_error,
                )
