"""Sources: who may send signed webhooks, and how a signature tells which of them sent one."""

import asyncio
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from farwork import clock
from farwork.domain.errors import NotFound, Refused
from farwork.domain.values import Instant
from farwork.service.access import TRUST_US, Principal, Role, Unauthenticated
from farwork.service.audit import entry
from farwork.service.ledger import Ledger
from farwork.storage import access_store, source_store, trail_store
from farwork.storage.source_store import SourceRow

SECRET_PREFIX = "whsec_"  # noqa: S105 - how the standard marks a secret, not one
SECRET_BYTES = 32
SOURCES_LIVE_MAX = 1_000
# A signature that names no source is tried with the secrets of all; this bounds what one request
# may make us hash. A body of 32 KiB is still tried with every secret there can be.
HASHED_BYTES_MAX = 32 << 20
# Hashing more than this would keep other requests waiting for over a millisecond.
HASHED_ON_LOOP_BYTES_MAX = 1 << 19
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class SourceNotFound(NotFound):
    """There is no such source."""

    code = "source_not_found"


class TooManySources(Refused):
    """There are as many sources as there may be."""

    code = "too_many_sources"


@dataclass(slots=True, frozen=True)
class Source:
    """A source as others may see it: without its secret."""

    id: str
    project: str
    name: str
    created_at: Instant
    revoked_at: Instant | None = None


@dataclass(slots=True)
class _Signer:
    """A live source and what checks its signatures."""

    source: Source
    webhook: Webhook = field(repr=False)
    matched_at: Instant = 0

    @property
    def principal(self) -> Principal:
        return Principal(self.source.project, Role.WORKER, f"source:{self.source.name}")


class Sources:
    """Keeps the sources and recognises their signatures."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._signers: dict[str, _Signer] = {}
        self._trusted_until: Instant = 0
        self._changes = 0
        self._asking = asyncio.Lock()

    async def create(self, caller: Principal, name: str) -> tuple[Source, str]:
        """Make a source; its secret is given this once. Needs admin. Raises `TooManySources`."""
        caller.require(Role.ADMIN)
        now = self._ledger.now()
        row = SourceRow(clock.uuid7(now), caller.project, name, clock.token(SECRET_BYTES), now)

        said = entry(caller, "source.create", f"source:{row.id}", now=now, name=name)

        def keep(connection: Connection) -> None:
            if source_store.count_live(connection) >= SOURCES_LIVE_MAX:
                raise TooManySources(
                    f"At most {SOURCES_LIVE_MAX} sources can be live; revoke one first."
                )
            access_store.add_project(connection, row.project, row.created_at)
            source_store.add(connection, row)
            trail_store.add(connection, [said])

        await self._ledger.work(keep)
        self._forget()
        return _shown(row), SECRET_PREFIX + b64encode(row.secret).decode()

    async def page(
        self, caller: Principal, *, after: str, limit: int
    ) -> tuple[list[Source], str | None]:
        """A page of the project's sources and the id behind which the next begins. Needs admin."""
        caller.require(Role.ADMIN)
        rows = await self._ledger.read(
            lambda c: source_store.page(c, caller.project, after=after, limit=limit + 1)
        )
        found = [_shown(row) for row in rows[:limit]]
        return found, found[-1].id if len(rows) > limit else None

    async def revoke(self, caller: Principal, source_id: str) -> None:
        """Make a source's signatures worthless. Needs admin. Raises `SourceNotFound`."""
        caller.require(Role.ADMIN)
        now = self._ledger.now()
        said = entry(caller, "source.revoke", f"source:{source_id}", now=now)

        def work(connection: Connection) -> bool:
            revoked = source_store.revoke(connection, source_id, caller.project, now)
            if revoked:
                trail_store.add(connection, [said])
            return revoked

        if not is_source_id(source_id) or not await self._ledger.work(work):
            raise SourceNotFound(f"There is no live source {source_id!r} in this project.")
        self._forget()

    async def signer(
        self, raw: bytes, headers: Mapping[str, str], source_id: str | None
    ) -> Principal:
        """Whose secret signed this body, by its Standard Webhooks `headers`.

        Without a `source_id` the secrets of all live sources are tried. Raises `Unauthenticated`.
        """
        signers = await self._live()
        if source_id is None:
            latest_first = sorted(signers.values(), key=lambda one: -one.matched_at)
            tried = latest_first[: max(1, HASHED_BYTES_MAX // max(1, len(raw)))]
        else:
            tried = [signers[source_id]] if source_id in signers else []
        if len(raw) * len(tried) > HASHED_ON_LOOP_BYTES_MAX:
            found = await asyncio.to_thread(_match, tried, raw, dict(headers))
        else:
            found = _match(tried, raw, dict(headers))
        if found is None:
            some_untried = source_id is None and len(tried) < len(signers)
            raise Unauthenticated(_why_not(raw, source_id, some_untried=some_untried))
        found.matched_at = self._ledger.now()
        return found.principal

    def _forget(self) -> None:
        self._changes += 1
        self._trusted_until = 0

    async def _live(self) -> dict[str, _Signer]:
        """The live sources, as they were at most `TRUST_US` ago."""
        async with self._asking:
            now, changes = self._ledger.now(), self._changes
            if now >= self._trusted_until:
                rows = await self._ledger.read(source_store.live)
                known = self._signers
                self._signers = {row.id: known.get(row.id) or _signer(row) for row in rows}
                if changes == self._changes:
                    self._trusted_until = now + TRUST_US
            return self._signers


def is_source_id(text: str) -> bool:
    """Whether a text has the form of a source's id. Another may hold what no database takes."""
    return _ID.fullmatch(text) is not None


def _shown(row: SourceRow) -> Source:
    return Source(row.id, row.project, row.name, row.created_at, row.revoked_at)


def _signer(row: SourceRow) -> _Signer:
    return _Signer(_shown(row), Webhook(row.secret))


def _match(tried: list[_Signer], raw: bytes, headers: dict[str, str]) -> _Signer | None:
    for one in tried:
        try:
            one.webhook.verify(raw, headers, json_parse=False)
        except (WebhookVerificationError, ValueError):
            # The library raises a ValueError of some kind for headers that are no signatures.
            continue
        return one
    return None


def _why_not(raw: bytes, source_id: str | None, *, some_untried: bool) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return "The body is not UTF-8, so that no signature of it can be checked."
    maker = "a live source" if source_id is None else "the live source that is named"
    why = f"The signature is not one that {maker} made of this body in the last five minutes."
    return f"{why} Not all could be tried: name yours, '?source=<id>'." if some_untried else why
