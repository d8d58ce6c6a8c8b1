"""What sources sent, kept as it came, so that it can be read again once a mapping is mended."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import Connection

from farwork import clock
from farwork.domain.errors import NotFound
from farwork.service.access import Principal, Role
from farwork.service.incoming import Way
from farwork.service.ledger import Ledger
from farwork.storage import sending_store
from farwork.storage.sending_store import NOTHING, REFUSED, TAKEN, SendingRow

ROWS_MAX = 1_000
BYTES_MAX = 64 << 20
TRIM_EVERY = 50
REPLAYED_AT_ONCE = 100
PROBLEMS_KEPT = 20
KEPT_HEADERS = ("content-type", "user-agent")
_ID_MAX = 255


class SendingNotFound(NotFound):
    """There is no such sending, or no more."""

    code = "sending_not_found"


@dataclass(slots=True)
class Sending:
    """A body that a source sent just now, or did before."""

    way: Way
    headers: Mapping[str, str]
    raw: bytes
    delivery_id: str | None


class Sendings:
    """Keeps what sources send: so many of each, for some days."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._since_trimmed: dict[str, int] = {}

    def keeping(self, sent: Sending, tasks: int, problems: list[Any]) -> SendingRow:
        """The row of a sending that held so many reports, or could not be read."""
        now = self._ledger.now()
        source = sent.way.source
        headers = {
            name: value
            for name, value in sent.headers.items()
            if name in KEPT_HEADERS or name.startswith("ce-")
        }
        row = SendingRow(
            clock.uuid7(now), source.id, source.project, now, sent.delivery_id, _text(headers),
            sent.raw, NOTHING, "{}", None,
        )  # fmt: skip
        _conclude(row, tasks, problems)
        if row.state == TAKEN:
            row.mapping = _digest(sent.way)
        return row

    def work(self, row: SendingRow) -> Any:
        """A piece of work that keeps a row, in the transaction of the reports that were in it."""
        count = self._since_trimmed.get(row.source_id, 0) + 1
        trims = count >= TRIM_EVERY
        self._since_trimmed[row.source_id] = 0 if trims else count

        def keep(connection: Connection, _statements: object, _tick: object) -> tuple[None, None]:
            sending_store.add(connection, row)
            if trims:
                sending_store.trim(
                    connection, row.source_id, rows_max=ROWS_MAX, bytes_max=BYTES_MAX
                )
            return None, None

        return keep

    async def keep(self, row: SendingRow) -> None:
        """Keep a sending of which no report was taken."""
        await self._ledger.transact(self.work(row))

    async def get(self, caller: Principal, way: Way, sending_id: str) -> SendingRow:
        """One sending. Needs admin. Raises `SendingNotFound`."""
        caller.require(Role.ADMIN)
        row = await self._ledger.read(lambda con: sending_store.get(con, way.source.id, sending_id))
        if row is None:
            raise SendingNotFound(f"There is no sending {sending_id!r} of this source, or no more.")
        return row

    async def page(
        self, caller: Principal, way: Way, states: list[str], before: str | None, limit: int
    ) -> tuple[list[SendingRow], str | None]:
        """A page of sendings, latest first, and before which the next begins. Needs admin."""
        caller.require(Role.ADMIN)
        rows = await self._ledger.read(
            lambda con: sending_store.page(
                con, way.source.id, states=states, before=before, limit=limit + 1
            )
        )
        return rows[:limit], rows[limit - 1].id if len(rows) > limit else None

    async def behind(
        self, caller: Principal, way: Way, states: list[str], after: str
    ) -> list[SendingRow]:
        """Sendings behind one, oldest first, a bounded number of them. Needs admin."""
        caller.require(Role.ADMIN)
        return await self._ledger.read(
            lambda con: sending_store.page(
                con, way.source.id, states=states, after=after, limit=REPLAYED_AT_ONCE
            )
        )

    def replayed(self, row: SendingRow, tasks: int, problems: list[Any]) -> Any:
        """A piece of work that keeps what became of a sending that was read again."""
        row.replays += 1
        row.replayed_at = self._ledger.now()
        _conclude(row, tasks, problems)

        def note(connection: Connection, _statements: object, _tick: object) -> tuple[None, None]:
            sending_store.note_replay(connection, row)
            return None, None

        return note

    async def note(self, work: Any) -> None:
        """Keep what became of a replay of which no report was taken."""
        await self._ledger.transact(work)


def delivery_again(row: SendingRow, way: Way) -> str | None:
    """The delivery id under which a sending is read again.

    What the same mapping finds is what came before, a duplicate; what another one finds is not.
    """
    if row.delivery_id is None or row.mapping == _digest(way):
        return row.delivery_id
    mark = f"~{_digest(way)}"
    return f"{row.delivery_id[: _ID_MAX - len(mark)]}{mark}"


def _conclude(row: SendingRow, tasks: int, problems: list[Any]) -> None:
    row.state = REFUSED if problems else TAKEN if tasks else NOTHING
    row.outcome = _text({"reports": tasks, "problems": problems[:PROBLEMS_KEPT]})


def _digest(way: Way) -> str:
    """What tells a mapping from another."""
    text = b"" if way.mapping is None else msgspec.json.encode(way.mapping)
    return blake2b(text, digest_size=4).hexdigest()


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
