"""Who may do what: projects, API keys and roles."""

import hmac
from base64 import b32encode
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from zlib import crc32

from sqlalchemy import Connection

from farwork import clock
from farwork.domain.errors import DomainError
from farwork.domain.values import Instant
from farwork.service.ledger import Ledger
from farwork.service.single_flight import SingleFlight
from farwork.storage import access_store
from farwork.storage.access_store import KeyRow

DEFAULT_PROJECT = "default"
# How long an answer about a key or a project may be used before the table is asked again: a key
# that another process revoked works no longer than this.
TRUST_US = 1_000_000
KNOWN_KEYS_MAX = 10_000


class Role(IntEnum):
    """What a caller may do; each role may do all that the one before it may."""

    VIEWER = 1
    WORKER = 2
    OPERATOR = 3
    ADMIN = 4

    @property
    def word(self) -> str:
        """The role's name."""
        return self.name.lower()


class Unauthenticated(DomainError):
    """The caller did not show who it is."""

    code = "unauthenticated"


class Forbidden(DomainError):
    """The caller may not do this."""

    code = "forbidden"


class KeyNotFound(DomainError):
    """There is no such API key."""

    code = "key_not_found"


@dataclass(slots=True, frozen=True)
class Principal:
    """Who calls: a project, a role in it, and a name for the log."""

    project: str
    role: Role
    name: str

    def require(self, role: Role) -> None:
        """Raises `Forbidden` unless the caller has this role."""
        if self.role < role:
            raise Forbidden(
                f"This needs the role {role.word}; this key has the role {self.role.word}."
            )


ANYBODY = Principal(DEFAULT_PROJECT, Role.ADMIN, "anonymous")
"""The caller when authentication is off."""


def _text(data: bytes) -> str:
    return b32encode(data).decode().lower().rstrip("=")


def _checksum(text: str) -> str:
    return _text(crc32(text.encode()).to_bytes(4, "big"))


def new_key(
    project: str, role: Role, name: str | None, *, now: Instant, expires_at: Instant | None = None
) -> tuple[KeyRow, str]:
    """A new key and its text `fw_<id>_<secret><checksum>`, which is shown once and not kept."""
    key_id = _text(clock.token(10))
    body = f"fw_{key_id}_{_text(clock.token(25))}"
    text = body + _checksum(body)
    row = KeyRow(key_id, project, name, role.word, sha256(text.encode()).digest(), now, expires_at)
    return row, text


class Access:
    """Recognises callers by their API keys."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[str, tuple[Principal, Instant, Instant | None]] = {}
        self._asking = SingleFlight[Principal]()

    async def principal(self, token: str) -> Principal:
        """The caller that shows this key. Raises `Unauthenticated`."""
        now = self._ledger.now()
        known = self._known.get(token)
        if known is not None and now < known[1] and (known[2] is None or now < known[2]):
            return known[0]
        return await self._asking.ask(token, lambda: self._ask(token, now))

    async def _ask(self, token: str, now: Instant) -> Principal:
        self._known.pop(token, None)
        prefix, _, rest = token.partition("_")
        key_id = rest.partition("_")[0]
        row: KeyRow | None = None
        if prefix == "fw":
            row = await self._ledger.read(lambda c: access_store.get_key(c, key_id))
        given = sha256(token.encode()).digest()
        if row is None or not hmac.compare_digest(row.secret_hash, given):
            raise Unauthenticated("The API key is not known.")
        if row.revoked_at is not None:
            raise Unauthenticated("The API key was revoked.")
        if row.expires_at is not None and row.expires_at <= now:
            raise Unauthenticated("The API key has expired.")
        principal = Principal(row.project, Role[row.role.upper()], row.name or f"key:{row.id}")
        if len(self._known) > KNOWN_KEYS_MAX:
            self._known.clear()
        self._known[token] = (principal, now + TRUST_US, row.expires_at)
        return principal

    async def create_key(
        self, project: str, role: Role, name: str | None, expires_at: Instant | None = None
    ) -> tuple[KeyRow, str]:
        """Make a key; its text is given this once."""
        row, text = new_key(project, role, name, now=self._ledger.now(), expires_at=expires_at)

        def keep(connection: Connection) -> None:
            access_store.add_project(connection, project, row.created_at)
            access_store.add_key(connection, row)

        await self._ledger.work(keep)
        return row, text

    async def list_keys(self, project: str) -> list[KeyRow]:
        """The keys of a project."""
        return await self._ledger.read(lambda c: access_store.list_keys(c, project))

    async def revoke_key(self, project: str, key_id: str) -> None:
        """Make a key worthless at once. Raises `KeyNotFound`."""
        now = self._ledger.now()
        if not await self._ledger.work(lambda c: access_store.revoke_key(c, key_id, project, now)):
            raise KeyNotFound(f"There is no valid key {key_id!r} in this project.")
        self._known.clear()
