"""What sources send in forms of their own: who vouches for it, and which reports are in it."""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec
from sqlalchemy import Connection
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from farwork.domain.values import Instant
from farwork.protocol.sources import IncomingIn, IncomingOut, MappingIn
from farwork.service.access import TRUST_US, Principal, Role, Unauthenticated
from farwork.service.audit import entry
from farwork.service.ledger import Ledger
from farwork.service.sources import SECRET_PREFIX, SourceNotFound, is_source_id
from farwork.storage import source_store, trail_store
from farwork.storage.source_store import SourceRow

KNOWN_MAX = 1_000
_mapping = msgspec.json.Decoder(MappingIn)


@dataclass(slots=True)
class Way:
    """How what one source sends is taken."""

    source: SourceRow = field(repr=False)
    scheme: str
    mapping: MappingIn | None
    until: Instant = 0

    @property
    def principal(self) -> Principal:
        """Who speaks, once it is vouched for."""
        return Principal(self.source.project, Role.WORKER, f"source:{self.source.name}")

    @property
    def secret_text(self) -> str:
        """The secret as it was shown."""
        return SECRET_PREFIX + b64encode(self.source.secret).decode()


class Incoming:
    """Knows how what sources send is taken."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[str, Way] = {}

    async def set(self, caller: Principal, source_id: str, said: IncomingIn) -> IncomingOut:
        """Say how what a source sends is taken. Needs admin. Raises `SourceNotFound`."""
        caller.require(Role.ADMIN)
        text = None if said.mapping is None else msgspec.json.encode(said.mapping).decode()
        now = self._ledger.now()
        row = entry(caller, "source.change", f"source:{source_id}", now=now, scheme=said.scheme)

        def keep(connection: Connection) -> None:
            _present(connection, source_id, caller.project)
            trail_store.add(connection, [row])
            source_store.set_incoming(connection, source_id, said.scheme, text, now)

        await self._ledger.work(keep)
        self._known.pop(source_id, None)
        return _out(source_id, said.scheme, said.mapping)

    async def get(self, caller: Principal, source_id: str) -> IncomingOut:
        """How what a source sends is taken. Needs admin. Raises `SourceNotFound`."""
        caller.require(Role.ADMIN)
        way = await self._ledger.read(lambda con: _way(con, source_id, caller.project))
        return _out(source_id, way.scheme, way.mapping)

    async def way(self, source_id: str, caller: Principal | None = None) -> Way:
        """How what a source sends is taken; for a caller, one of his project.

        Raises `SourceNotFound`.
        """
        now = self._ledger.now()
        known = self._known.get(source_id)
        if known is None or known.until <= now:
            known = await self._ledger.read(lambda con: _way(con, source_id, None))
            known.until = now + TRUST_US
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            self._known[source_id] = known
        if caller is not None and known.source.project != caller.project:
            raise _no_source(source_id)
        return known


def vouched(way: Way, raw: bytes, headers: Mapping[str, str]) -> str | None:
    """The id of a sending whose signature is good; None: it has no id.

    Raises `Unauthenticated`.
    """
    if way.scheme == "github":
        made = "sha256=" + hmac.new(way.secret_text.encode(), raw, sha256).hexdigest()
        good = hmac.compare_digest(made.encode(), headers.get("x-hub-signature-256", "").encode())
        delivery_id = headers.get("x-github-delivery")
    elif way.scheme == "bearer":
        given = headers.get("authorization", "").partition(" ")[2].strip()
        good = hmac.compare_digest(given.encode(), way.secret_text.encode())
        delivery_id = headers.get("webhook-id")
    else:
        good = _is_standard(way, raw, headers)
        delivery_id = headers.get("webhook-id")
    if not good:
        raise Unauthenticated(f"The body is not vouched for as the source has it ({way.scheme}).")
    return delivery_id


def _is_standard(way: Way, raw: bytes, headers: Mapping[str, str]) -> bool:
    try:
        Webhook(way.source.secret).verify(raw, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True


def _way(connection: Connection, source_id: str, project: str | None) -> Way:
    source = _present(connection, source_id, project)
    found = source_store.incoming(connection, source_id)
    scheme, text = ("standard", None) if found is None else found
    return Way(source, scheme, None if text is None else _mapping.decode(text))


def _present(connection: Connection, source_id: str, project: str | None) -> SourceRow:
    found = source_store.get(connection, source_id, project) if is_source_id(source_id) else None
    if found is None:
        raise _no_source(source_id)
    return found


def _no_source(source_id: str) -> SourceNotFound:
    return SourceNotFound(f"There is no live source {source_id!r} in this project.")


def _out(source_id: str, scheme: str, mapping: MappingIn | None) -> IncomingOut:
    return IncomingOut(
        source_id=source_id,
        scheme=scheme,  # pyright: ignore[reportArgumentType] - the table holds these words only
        mapping=mapping,
        path=f"/v1/sources/{source_id}/events",
    )
