"""Turns the feed into deliveries: the rows and how far the feed was read are one transaction."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, update

from farwork.domain.values import Instant
from farwork.notifications.lanes import Lane
from farwork.service.ledger import Ledger
from farwork.service.views import event_out
from farwork.storage import delivery_store, event_reader, feed_reader, hook_store
from farwork.storage import tables as t
from farwork.storage.delivery_store import DeliveryRow
from farwork.storage.event_reader import EventRecord
from farwork.storage.feed_reader import FeedFilter
from farwork.storage.hook_store import CALLBACKS

EVENTS_AT_ONCE = 500
NOTE_EVERY_US = 5_000_000
_encode = msgspec.json.Encoder().encode


class DutyLost(Exception):
    """Somebody else has moved a hook on."""


class Expander:
    """Reads on in the feed for each hook, and for those that are called back."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._called_back_to: int | None = None
        self._called_back_noted = 0
        self._noted_at: Instant = 0

    def forget(self) -> None:
        """Read anew where things stand."""
        self._called_back_to = None

    async def run_once(self, lanes: Iterable[Lane], now: Instant) -> tuple[set[str], bool]:
        """Read on by one page: which hooks have new deliveries, and whether there may be more.

        Raises `DutyLost`.
        """
        touched: set[str] = set()
        more = False
        groups: dict[tuple[str, int], list[Lane]] = {}
        for lane in lanes:
            if lane.hook.state == "active" and not lane.is_callback:
                groups.setdefault((lane.hook.project, lane.position), []).append(lane)
        for (project, position), group in groups.items():
            more |= await self._read_on(project, position, group, now, touched)
        more |= await self._call_back(now, touched)
        if now - self._noted_at >= NOTE_EVERY_US:
            self._noted_at = now
            every = [lane for group in groups.values() for lane in group]
            await self._note([one for one in every if one.position > one.noted_position])
        return touched, more

    async def _read_on(
        self, project: str, position: int, group: list[Lane], now: Instant, touched: set[str]
    ) -> bool:
        page = await self._ledger.read(
            lambda con: feed_reader.page(
                con, project, after=position, limit=EVENTS_AT_ONCE, wanted=FeedFilter()
            )
        )
        if page.next_after == position:
            return False
        texts: dict[int, str] = {}
        rows: list[DeliveryRow] = []
        moved: list[Lane] = []
        for lane in group:
            meant = [
                _row(lane.hook.id, event, texts, now)
                for event in page.items
                if lane.filter.means(event) and not _is_own(lane, event)
            ]
            rows += meant
            if meant:
                moved.append(lane)
        if rows:
            await self._ledger.read(lambda con: delivery_store.note_traces(con, rows))
            await self._ledger.work(lambda con: _keep(con, rows, moved, page.next_after))
        for lane in group:
            lane.position = page.next_after
        for lane in moved:
            lane.noted_position = page.next_after
            touched.add(lane.hook.id)
        return len(page.items) == EVENTS_AT_ONCE

    async def _call_back(self, now: Instant, touched: set[str]) -> bool:
        if self._called_back_to is None:
            self._called_back_to = await self._ledger.read(_callbacks_from)
            self._called_back_noted = self._called_back_to
        after = self._called_back_to

        def look(connection: Connection) -> tuple[Any, list[DeliveryRow]]:
            page, ids = delivery_store.called_back(connection, after, EVENTS_AT_ONCE)
            hooks = {
                hook.id: hook.filter for hook in hook_store.of_ids(connection, sorted(set(ids)))
            }
            texts: dict[int, str] = {}
            pairs = zip(ids, page.items, strict=True)
            rows = [_row(i, e, texts, now) for i, e in pairs if i in hooks and hooks[i].means(e)]
            delivery_store.note_traces(connection, rows)
            return page, rows

        page, rows = await self._ledger.read(look)
        reached: int = page.next_after

        def keep(connection: Connection) -> None:
            delivery_store.add(connection, rows)
            delivery_store.note_cursor(connection, CALLBACKS, reached)

        far = reached > self._called_back_noted and now - self._noted_at >= NOTE_EVERY_US
        if rows or far:
            await self._ledger.work(keep)
            self._called_back_noted = reached
        self._called_back_to = reached
        touched.update(row.hook_id for row in rows)
        return len(page.items) == EVENTS_AT_ONCE

    async def _note(self, lanes: list[Lane]) -> None:
        """Keep how far hooks have read that had nothing to be told."""
        if lanes:
            places = [(lane, lane.position) for lane in lanes]
            await self._ledger.work(lambda con: [_move(con, lane, place) for lane, place in places])
            for lane, place in places:
                lane.noted_position = place


def _callbacks_from(connection: Connection) -> int:
    """Where to begin: behind what was looked through; at the end if there is nobody to call."""
    noted = delivery_store.cursor(connection, CALLBACKS)
    if noted is not None:
        return noted
    return 0 if delivery_store.has_callbacks(connection) else event_reader.head(connection)


def _is_own(lane: Lane, event: EventRecord) -> bool:
    """Whether the event is about the hook itself: a dead endpoint is not told that it is dead."""
    said: dict[str, Any] = event.data or {}
    return event.type.startswith("hook.") and said.get("hook_id") == lane.hook.id


def _row(hook_id: str, event: EventRecord, texts: dict[int, str], now: Instant) -> DeliveryRow:
    text = texts.get(event.position)
    if text is None:
        text = texts[event.position] = _encode(event_out(event)).decode()
    return DeliveryRow(
        hook_id=hook_id,
        position=event.position,
        subject=event.task_id or event.job_id or "",
        type=event.type,
        state="due",
        next_at=now,
        attempts=0,
        log="[]",
        event=text,
        created_at=now,
    )


def _keep(connection: Connection, rows: list[DeliveryRow], lanes: list[Lane], place: int) -> None:
    for lane in lanes:
        _move(connection, lane, place)
    delivery_store.add(connection, rows)


def _move(connection: Connection, lane: Lane, place: int) -> None:
    """Move a hook on from where we know it; it is nobody else's to move."""
    c = t.hooks.c
    moved = connection.execute(
        update(t.hooks)
        .where(c.id == lane.hook.id, c.position == lane.noted_position)
        .values(position=place)
    )
    if moved.rowcount != 1:
        raise DutyLost(f"the hook {lane.hook.id} was moved on by another process")
