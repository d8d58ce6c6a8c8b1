"""Signing in: a session, and the tokens that open it.

An access token lives minutes. A refresh token is good for one use, which gives the next pair; a
second use means that somebody has a copy, and ends the session for both.
"""

from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from farwork import clock
from farwork.domain.values import Instant
from farwork.service import credentials
from farwork.service.access import SECOND, Access, Principal, Unauthenticated
from farwork.service.audit import entry
from farwork.service.ledger import Ledger
from farwork.service.lockout import count_try, forgive, subjects_of
from farwork.service.passwords import Passwords
from farwork.service.users import User, WrongPassword, shown
from farwork.storage import access_store, session_store, trail_store, user_store
from farwork.storage.session_store import Opened, SessionRow, TokenRow
from farwork.storage.trail_store import TrailRow
from farwork.storage.user_store import UserRow

# Sessions that are over are kept a while, so that a copy of an old refresh token is told apart.
KEPT_AFTER_END_US = 7 * 24 * 3600 * SECOND
SWEPT_AT_ONCE = 100
WRONG = "The name or the password is wrong."
REUSED = "The refresh token was used before. The session has ended; sign in again."


class RefreshRefused(Unauthenticated):
    """The refresh token is not good."""

    code = "refresh_refused"


@dataclass(slots=True, frozen=True)
class Terms:
    """How long a login lasts, in seconds.

    `session` from the login on, `access` for each access token, `refresh` for each refresh token
    (None: there is none), `idle`: how long it may go unused (None: as long as it lives). With
    `cookie` the access token is a browser's.
    """

    session: int
    access: int
    refresh: int | None = None
    idle: int | None = None
    cookie: bool = False


API = Terms(session=90 * 24 * 3600, access=15 * 60, refresh=14 * 24 * 3600)
"""A program signs in, and refreshes."""
BROWSER = Terms(session=12 * 3600, access=12 * 3600, cookie=True)
"""A person signs in to the UI for a working day."""


@dataclass(slots=True, frozen=True)
class Login:
    """What a login gives: the user, and texts that are shown this once."""

    user: User
    session_id: str
    access: str = field(repr=False)
    access_expires_at: Instant
    refresh: str | None = field(default=None, repr=False)
    refresh_expires_at: Instant | None = None


_Issued = tuple[str, str, Instant, str | None, Instant | None]


class Logins:
    """Begins, goes on with, and ends sessions."""

    def __init__(self, ledger: Ledger, access: Access, passwords: Passwords) -> None:
        self._ledger = ledger
        self._access = access
        self._passwords = passwords

    async def by_password(
        self, name: str, password: str, *, terms: Terms = API, address: str | None = None
    ) -> Login:
        """Sign in. Raises `WrongPassword`, `LockedOut`, `Overloaded`.

        Who does not exist, who is disabled and who has another password hear the same, after the
        same time.
        """
        folded = name.lower()
        subjects = subjects_of(folded, address)
        tried_at = self._ledger.now()

        def trying(connection: Connection) -> UserRow | None:
            count_try(connection, subjects, tried_at)
            return user_store.by_name(connection, folded)

        row = await self._ledger.work(trying)
        stored = None if row is None or row.disabled_at is not None else row.password_hash
        right, renew = await self._passwords.matches(stored, password)
        if row is None or not right:
            await self._note_wrong(row)
            raise WrongPassword(WRONG)
        digest = await self._passwords.hashed(password) if renew else None
        return await self._begin(row, terms, address, subjects, digest)

    async def _begin(
        self,
        row: UserRow,
        terms: Terms,
        address: str | None,
        subjects: dict[str, int],
        digest: str | None,
    ) -> Login:
        now = self._ledger.now()
        session = SessionRow(
            clock.uuid7(now), row.id, now, now + terms.session * SECOND, now, terms.idle, address
        )
        issued, tokens = _issue(session.id, session.expires_at, terms, now)
        said = entry(
            f"user:{row.name}", "login", f"session:{session.id}", now=now, project=row.project
        )
        values = {"last_login_at": now} | ({} if digest is None else {"password_hash": digest})

        def work(connection: Connection) -> None:
            # What was checked may have changed while the hash was made.
            fresh = user_store.by_id(connection, row.id)
            if fresh is None or (fresh.password_hash, fresh.disabled_at) != (
                row.password_hash,
                None,
            ):
                raise WrongPassword(WRONG)
            session_store.forget_over(connection, now - KEPT_AFTER_END_US, SWEPT_AT_ONCE)
            forgive(connection, subjects, now)
            user_store.change(connection, row.id, values)
            session_store.begin(connection, session)
            session_store.add_tokens(connection, tokens)
            trail_store.add(connection, [said])

        await self._ledger.work(work)
        return Login(shown(row), *issued)

    async def with_key(self, key: str, *, address: str | None = None) -> tuple[Principal, str]:
        """Sign in to the UI with an API key: who that is, and a cookie's text in place of the key.

        The session ends with the key. Raises `Unauthenticated`.
        """
        if not key.startswith(f"{credentials.KEY}_"):
            raise Unauthenticated("The API key is not known.")
        caller = await self._access.principal(key)
        now = self._ledger.now()
        ends_at = now + BROWSER.session * SECOND
        session = SessionRow(
            clock.uuid7(now),
            None,
            now,
            ends_at,
            now,
            address=address,
            key_id=caller.actor.removeprefix("key:"),
        )
        issued, tokens = _issue(session.id, ends_at, BROWSER, now)
        said = entry(caller, "login", f"session:{session.id}", now=now)

        def work(connection: Connection) -> None:
            session_store.begin(connection, session)
            session_store.add_tokens(connection, tokens)
            trail_store.add(connection, [said])

        await self._ledger.work(work)
        return replace(caller, session_id=session.id), issued[1]

    async def _note_wrong(self, row: UserRow | None) -> None:
        """Say in the trail that somebody tried; what an unknown name was may be a secret."""
        now = self._ledger.now()
        said: TrailRow
        if row is None:
            said = entry("nobody", "login.refused", now=now, project="default")
        else:
            target = f"user:{row.name}"
            said = entry("nobody", "login.refused", target, now=now, project=row.project)
        await self._ledger.work(lambda c: trail_store.add(c, [said]))

    async def refresh(self, token: str, *, terms: Terms = API) -> Login:
        """The next pair of tokens. Raises `RefreshRefused`.

        A token that was used before ends its session: one of the two who have it stole it.
        """
        if not credentials.is_whole(token) or not token.startswith(f"{credentials.REFRESH}_"):
            raise RefreshRefused("The refresh token is not known.")
        given = credentials.hash_of(token)
        now = self._ledger.now()

        def work(connection: Connection) -> Login | str:
            found = session_store.opened_by(connection, given)
            if found is None or found.kind != "refresh":
                return "The refresh token is not known."
            if found.ended_at is not None or found.gone_at is not None or found.user_id is None:
                return "The session has ended; sign in again."
            if not session_store.spend(connection, given, now):
                _end_for_reuse(connection, found, now)
                return REUSED
            if min(found.expires_at, found.session_expires_at) <= now:
                return "The refresh token has expired; sign in again."
            row = user_store.by_id(connection, found.user_id)
            assert row is not None, "the session's user was read with it"
            issued, tokens = _issue(found.session_id, found.session_expires_at, terms, now)
            session_store.add_tokens(connection, tokens)
            session_store.touch(connection, found.session_id, now)
            return Login(shown(row), *issued)

        # A refusal is no exception there: what it changes must be kept.
        found = await self._ledger.work(work)
        if isinstance(found, str):
            if found is REUSED:
                await self._access.spread()
            raise RefreshRefused(found)
        return found

    async def end(self, caller: Principal, session_id: str | None = None) -> bool:
        """Sign out: the caller's session, or another one of the same user; False: there is none.

        Its tokens are worthless, in every process, by the time this returns.
        """
        wanted = session_id or caller.session_id
        user_id = caller.user_id
        if wanted is None:
            return False
        now = self._ledger.now()
        said = entry(caller, "logout", f"session:{wanted}", now=now)

        def work(connection: Connection) -> bool:
            if wanted != caller.session_id:
                theirs = [] if user_id is None else session_store.of_user(connection, user_id, now)
                if wanted not in {one.id for one in theirs}:
                    return False
            session_store.end(connection, wanted, now, caller.who)
            trail_store.add(connection, [said])
            access_store.announce(connection)
            return True

        ended = await self._ledger.work(work)
        if ended:
            await self._access.spread()
        return ended


def _issue(
    session_id: str, session_ends_at: Instant, terms: Terms, now: Instant
) -> tuple[_Issued, list[TokenRow]]:
    """Tokens for a session, as a `Login` shows them and as they are kept."""
    kind = "cookie" if terms.cookie else "access"
    access = credentials.new_text(credentials.COOKIE if terms.cookie else credentials.ACCESS)
    access_ends_at = min(now + terms.access * SECOND, session_ends_at)
    tokens = [TokenRow(credentials.hash_of(access), session_id, kind, access_ends_at)]
    if terms.refresh is None:
        return (session_id, access, access_ends_at, None, None), tokens
    refresh = credentials.new_text(credentials.REFRESH)
    refresh_ends_at = min(now + terms.refresh * SECOND, session_ends_at)
    tokens.append(TokenRow(credentials.hash_of(refresh), session_id, "refresh", refresh_ends_at))
    return (session_id, access, access_ends_at, refresh, refresh_ends_at), tokens


def _end_for_reuse(connection: Connection, found: Opened, now: Instant) -> None:
    who = f"user:{found.name}"
    session_store.end(connection, found.session_id, now, "reuse of a refresh token")
    target = f"session:{found.session_id}"
    said = entry(who, "login.token_reused", target, now=now, project=found.project)
    trail_store.add(connection, [said])
    access_store.announce(connection)


__all__ = [
    "API",
    "BROWSER",
    "Login",
    "Logins",
    "RefreshRefused",
    "Terms",
]
