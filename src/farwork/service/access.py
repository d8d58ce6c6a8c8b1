"""Who may do what: projects, roles, and recognising callers by what they show."""

import hmac
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from farwork import clock
from farwork.domain.values import Instant
from farwork.service import credentials
from farwork.service.last_use import LastUse, Use
from farwork.service.ledger import Ledger
from farwork.service.limits import Limits, Meter, Rate
from farwork.service.refusals import (
    SECOND,
    Forbidden,
    KeyNotFound,
    TooManyRequests,
    Unauthenticated,
)
from farwork.service.single_flight import SingleFlight
from farwork.storage import access_store, session_store
from farwork.storage.access_store import KeyRow
from farwork.storage.trail_store import TrailRow

DEFAULT_PROJECT = "default"
# How long an answer about a caller may be used before the tables are asked again: what another
# process took back works no longer than this, even if word of it never comes.
TRUST_US = 1_000_000
KNOWN_MAX = 10_000
JWT_DOTS = 2


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


@dataclass(slots=True, frozen=True)
class Principal:
    """Who calls: a project, a role in it, and a name for the log.

    `actor` says in the audit trail who it was: `key:<id>`, `user:<name>`. A user who has signed in
    has a `user_id` and a `session_id`.
    """

    project: str
    role: Role
    name: str
    actor: str = field(default="", compare=False)
    user_id: str | None = None
    session_id: str | None = None
    meter: Meter | None = field(default=None, compare=False, repr=False)

    @property
    def who(self) -> str:
        """What the audit trail calls the caller."""
        return self.actor or self.name

    def require(self, role: Role) -> None:
        """Raises `Forbidden` unless the caller has this role."""
        if self.role < role:
            raise Forbidden(
                f"This needs the role {role.word}; this caller has the role {self.role.word}."
            )


ANYBODY = Principal(DEFAULT_PROJECT, Role.ADMIN, "anonymous")
"""The caller when authentication is off."""


def require_everywhere(caller: Principal) -> None:
    """Raises `Forbidden` unless the caller administers every project."""
    caller.require(Role.ADMIN)
    if caller.project != DEFAULT_PROJECT:
        raise Forbidden(f"This needs an admin of the project {DEFAULT_PROJECT!r}.")


def meant(caller: Principal, project: str | None) -> str:
    """Whose things are meant: another project's are for admins of the default project.

    Raises `Forbidden` unless the caller administers that project.
    """
    caller.require(Role.ADMIN)
    if project is None or project == caller.project:
        return caller.project
    require_everywhere(caller)
    return project


def new_key(
    project: str,
    role: Role,
    name: str | None,
    *,
    now: Instant,
    expires_at: Instant | None = None,
    rate: Rate | None = None,
) -> tuple[KeyRow, str]:
    """A new key and its text `fw_<id>_<secret><checksum>`, which is shown once and not kept."""
    key_id = credentials.random_text(10)
    text = credentials.new_text(f"{credentials.KEY}_{key_id}")
    row = KeyRow(key_id, project, name, role.word, credentials.hash_of(text), now, expires_at)
    if rate is not None:
        row.requests_max, row.window_seconds = rate.requests, rate.seconds
    return row, text


@dataclass(slots=True)
class _Known:
    """A caller who was recognised: until when that is trusted, and when what it showed ends."""

    principal: Principal
    trusted_until: Instant
    ends_at: Instant | None


class Outside(Protocol):
    """Recognises callers by tokens that others have issued."""

    async def recognise(self, token: str, now: Instant) -> tuple[Principal, Instant]:
        """Who that is, and when the token ends."""
        ...


class Access:
    """Recognises callers by API keys and by the tokens of users who have signed in."""

    def __init__(
        self,
        ledger: Ledger,
        limits: Limits | None = None,
        last_use: LastUse | None = None,
        outside: Outside | None = None,
    ) -> None:
        self._ledger = ledger
        self._limits = limits or Limits(ledger)
        self._last_use = last_use or LastUse(ledger)
        self._outside = outside
        self._known: dict[str, _Known] = {}
        self._asking = SingleFlight[Principal]()
        self._changes = 0

    async def principal(self, token: str, address: str | None = None) -> Principal:
        """The caller that shows this, from this address; its request is counted.

        Raises `Unauthenticated`, `RateLimited`.
        """
        now = self._ledger.now()
        known = self._known.get(token)
        if (
            known is not None
            and now < known.trusted_until
            and (known.ends_at is None or now < known.ends_at)
        ):
            caller = known.principal
        else:
            caller = await self._asking.ask(token, lambda: self._ask(token, now, address))
        if caller.meter is not None:
            await self._limits.take(caller.meter, now)
        return caller

    def forget(self) -> None:
        """Ask again about everybody; any thread may say so."""
        self._changes += 1
        self._known.clear()
        # A question that is under way may be about what was so before.
        self._asking = SingleFlight[Principal]()

    async def spread(self) -> None:
        """Return when something that was taken back, and committed, is worthless everywhere.

        Other processes hear of it at once. One that does not hear trusts what it knows for
        `TRUST_US`; waiting for so long makes it certain.
        """
        self.forget()
        if self._ledger.store.is_shared:
            await clock.pause_on_loop(TRUST_US / SECOND)

    async def _ask(self, token: str, now: Instant, address: str | None) -> Principal:
        changes = self._changes
        self._known.pop(token, None)
        prefix = token.partition("_")[0]
        if prefix == credentials.KEY:
            found, ends_at = await self._key(token, now, address)
        elif prefix in (credentials.ACCESS, credentials.COOKIE):
            found, ends_at = await self._session(token, now, address)
        elif self._outside is not None and token.count(".") == JWT_DOTS:
            found, ends_at = await self._outside.recognise(token, now)
        else:
            raise Unauthenticated("This is neither an API key nor an access token.")
        if changes == self._changes:
            if len(self._known) > KNOWN_MAX:
                self._known.clear()
            self._known[token] = _Known(found, now + TRUST_US, ends_at)
        return found

    async def _key(
        self, token: str, now: Instant, address: str | None
    ) -> tuple[Principal, Instant | None]:
        row: KeyRow | None = None
        if credentials.is_whole(token):
            key_id = token.split("_")[1]
            row = await self._ledger.read(lambda c: access_store.get_key(c, key_id))
        given = credentials.hash_of(token)
        if row is None or not hmac.compare_digest(row.secret_hash, given):
            raise Unauthenticated("The API key is not known.")
        if row.revoked_at is not None:
            raise Unauthenticated("The API key was revoked.")
        if row.expires_at is not None and row.expires_at <= now:
            raise Unauthenticated("The API key has expired.")
        actor = f"key:{row.id}"
        self._last_use.key(
            Use(row.id, now, address), row.last_used_at, lambda use: _seen(row.project, use)
        )
        principal = Principal(
            row.project,
            Role[row.role.upper()],
            row.name or actor,
            actor,
            meter=self._limits.meter(actor, rate_of(row)),
        )
        return principal, row.expires_at

    async def _session(
        self, token: str, now: Instant, address: str | None
    ) -> tuple[Principal, Instant | None]:
        found: session_store.Opened | None = None
        if credentials.is_whole(token):
            given = credentials.hash_of(token)
            found = await self._ledger.read(lambda c: session_store.opened_by(c, given))
        if found is None or found.kind == "refresh":
            raise Unauthenticated("The access token is not known.")
        ends_at = min(found.expires_at, found.session_expires_at)
        if found.holder_ends_at is not None:
            ends_at = min(ends_at, found.holder_ends_at)
        if found.idle_seconds is not None:
            ends_at = min(ends_at, found.last_used_at + found.idle_seconds * SECOND)
        if found.ended_at is not None or found.gone_at is not None or found.role is None:
            raise Unauthenticated("The session has ended; sign in again.")
        if ends_at <= now:
            raise Unauthenticated("The access token has expired.")
        self._last_use.session(
            Use(found.session_id, now, address), found.last_used_at, found.idle_seconds
        )
        return self._signed_in(found, found.role), ends_at

    def _signed_in(self, found: session_store.Opened, role: str) -> Principal:
        assert found.project is not None, "whoever has a role has a project"
        actor = f"user:{found.name}" if found.key_id is None else f"key:{found.key_id}"
        return Principal(
            found.project,
            Role[role.upper()],
            found.name or actor,
            actor,
            found.user_id,
            found.session_id,
            # A key's own limit holds for the sessions that it began: it is one count.
            self._limits.meter(actor, rate_of(found)),
        )


def rate_of(row: KeyRow | session_store.Opened) -> Rate | None:
    """The limit that a key has of its own."""
    if row.requests_max is None or row.window_seconds is None:
        return None
    return Rate(row.requests_max, row.window_seconds)


def _seen(project: str, use: Use) -> TrailRow:
    actor = f"key:{use.id}"
    row_id = clock.uuid7(use.at)
    return TrailRow(row_id, use.at, project, actor, "key.used", actor, use.address)


__all__ = [
    "ANYBODY",
    "DEFAULT_PROJECT",
    "SECOND",
    "TRUST_US",
    "Access",
    "Forbidden",
    "KeyNotFound",
    "KeyRow",
    "Principal",
    "Role",
    "TooManyRequests",
    "Unauthenticated",
    "meant",
    "new_key",
    "rate_of",
    "require_everywhere",
]
