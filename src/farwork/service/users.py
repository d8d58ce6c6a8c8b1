"""Users: people, and programs, that sign in with a name and a password."""

import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from farwork import clock
from farwork.domain.errors import NotFound, ProjectNotFound, Refused
from farwork.domain.values import Instant
from farwork.service.access import (
    DEFAULT_PROJECT,
    Access,
    Forbidden,
    Principal,
    Role,
    Unauthenticated,
    meant,
    require_everywhere,
)
from farwork.service.audit import entry
from farwork.service.ledger import Ledger
from farwork.service.lockout import count_try, forgive, subjects_of
from farwork.service.passwords import Passwords, check_fit
from farwork.storage import access_store, project_store, session_store, trail_store, user_store
from farwork.storage.session_store import SessionRow
from farwork.storage.user_store import UserRow

IN_USE = (
    "This server is in use already: its first user needs an admin's API key in Authorization, "
    "or 'farwork users create' on the machine with the database."
)


class UserNotFound(NotFound):
    """There is no such user."""

    code = "user_not_found"

    @classmethod
    def of(cls, name: str) -> "UserNotFound":
        """Names who was asked for."""
        return cls(f"There is no user {name!r} in this project.")


class UserExists(Refused):
    """A user with this name exists."""

    code = "user_exists"


class WrongPassword(Unauthenticated):
    """The name or the password is wrong."""

    code = "wrong_password"


@dataclass(slots=True, frozen=True)
class User:
    """A user as others may see it. `extensions` holds what dialects keep about it, by dialect."""

    id: str
    name: str
    project: str
    role: Role
    created_at: Instant
    full_name: str | None = None
    email: str | None = None
    has_password: bool = False
    password_changed_at: Instant | None = None
    disabled_at: Instant | None = None
    last_login_at: Instant | None = None
    extensions: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True, frozen=True)
class NewUser:
    """A user to make. Without a password, nobody can sign in until one is set."""

    name: str
    role: Role
    password: str | None = field(default=None, repr=False)
    project: str | None = None
    full_name: str | None = None
    email: str | None = None
    extensions: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True, frozen=True)
class UserChange:
    """What to change about a user: columns by name, and perhaps the password."""

    role: Role | None = None
    disabled: bool | None = None
    password: str | None = field(default=None, repr=False)
    # `full_name`, `email`, `extensions`: those that are here are written.
    profile: dict[str, Any] = field(default_factory=dict[str, Any])


class Users:
    """What needs a caller needs the role admin: for another project, of the default project."""

    def __init__(self, ledger: Ledger, access: Access, passwords: Passwords) -> None:
        self._ledger = ledger
        self._access = access
        self._passwords = passwords

    async def create(self, caller: Principal, new: NewUser) -> User:
        """Make a user. Raises `UserExists`, `ProjectNotFound`, `PasswordUnfit`."""
        project = meant(caller, new.project)
        row = await self._row(new, project)
        said = _made(caller, row)

        def work(connection: Connection) -> None:
            _keep(connection, row)
            trail_store.add(connection, [said])

        await self._ledger.work(work)
        return shown(row)

    async def create_first(self, new: NewUser, caller: Principal | None = None) -> User:
        """Make the first user. Without a caller only as long as nobody has got in by any door.

        Raises `Forbidden` if there are users, and if the caller is not everybody's admin.
        """
        if caller is not None:
            require_everywhere(caller)
        row = await self._row(new, new.project or DEFAULT_PROJECT)
        said = _made(caller or "nobody", row)

        def work(connection: Connection) -> None:
            access_store.hold_project(connection, DEFAULT_PROJECT)
            if user_store.count(connection):
                raise Forbidden("There are users already; an admin makes more.")
            if caller is None and trail_store.tells_of_anybody(connection):
                raise Forbidden(IN_USE)
            _keep(connection, row)
            trail_store.add(connection, [said])

        await self._ledger.work(work)
        return shown(row)

    async def exist(self) -> bool:
        """Whether there is any user, in any project."""
        return await self._ledger.read(user_store.count) > 0

    async def page(
        self, caller: Principal, project: str | None, *, after: str, limit: int
    ) -> tuple[list[User], str | None]:
        """A page of a project's users by name, and the name behind which the next begins."""
        theirs = meant(caller, project)
        rows = await self._ledger.read(
            lambda c: user_store.page(c, theirs, after=after, limit=limit + 1)
        )
        last = rows[limit - 1].folded if len(rows) > limit else None
        return [shown(row) for row in rows[:limit]], last

    async def get(self, caller: Principal, name: str) -> User:
        """The user with this name. Raises `UserNotFound`."""
        return shown(await self._found(caller, name))

    async def own(self, caller: Principal) -> User | None:
        """The user that the caller is; None: it is none."""
        user_id = caller.user_id
        if user_id is None:
            return None
        row = await self._ledger.read(lambda c: user_store.by_id(c, user_id))
        return None if row is None else shown(row)

    async def change(self, caller: Principal, name: str, change: UserChange) -> User:
        """Change a user; a new password, and being disabled, end all its sessions.

        Raises `UserNotFound`, `PasswordUnfit`.
        """
        found = await self._found(caller, name)
        now = self._ledger.now()
        values = await self._values(found, change, now)
        ends = change.password is not None or change.disabled is True
        said = entry(
            caller,
            "user.change",
            f"user:{found.name}",
            now=now,
            project=found.project,
            changed=sorted(_told(name) for name in values if name != "password_changed_at"),
            role=values.get("role"),
        )

        def work(connection: Connection) -> UserRow:
            user_store.change(connection, found.id, values)
            if ends:
                session_store.end_all(connection, found.id, now, caller.who)
            trail_store.add(connection, [said])
            access_store.announce(connection)
            row = user_store.by_id(connection, found.id)
            if row is None:
                raise UserNotFound.of(name)
            return row

        row = await self._ledger.work(work)
        if ends or change.role is not None:
            await self._access.spread()
        return shown(row)

    async def delete(self, caller: Principal, name: str) -> None:
        """Forget a user; its sessions end. Raises `UserNotFound`."""
        found = await self._found(caller, name)
        said = entry(
            caller,
            "user.delete",
            f"user:{found.name}",
            now=self._ledger.now(),
            project=found.project,
        )

        def work(connection: Connection) -> None:
            session_store.forget_user(connection, found.id)
            user_store.remove(connection, found.id)
            trail_store.add(connection, [said])
            access_store.announce(connection)

        await self._ledger.work(work)
        await self._access.spread()

    async def change_password(
        self, caller: Principal, present: str, new: str, *, address: str | None = None
    ) -> None:
        """Change the caller's own password; its other sessions end.

        Raises `WrongPassword`, `LockedOut`, `PasswordUnfit`, and `Forbidden` to who is no user.
        """
        user_id = caller.user_id
        row = None
        if user_id is not None:
            row = await self._ledger.read(lambda c: user_store.by_id(c, user_id))
        if row is None:
            raise Forbidden("Only a user who has signed in has a password to change.")
        check_fit(new, row.name)
        subjects = subjects_of(row.folded, address)
        tried_at = self._ledger.now()
        await self._ledger.work(lambda c: count_try(c, subjects, tried_at))
        right, _ = await self._passwords.matches(row.password_hash, present)
        if not right:
            raise WrongPassword("The present password is wrong.")
        digest = await self._passwords.hashed(new)
        now = self._ledger.now()
        values = {"password_hash": digest, "password_changed_at": now}
        said = entry(caller, "user.password", f"user:{row.name}", now=now)

        def work(connection: Connection) -> None:
            forgive(connection, subjects, now)
            user_store.change(connection, row.id, values)
            session_store.end_all(connection, row.id, now, caller.who, but=caller.session_id)
            trail_store.add(connection, [said])
            access_store.announce(connection)

        await self._ledger.work(work)
        await self._access.spread()

    async def sessions(self, caller: Principal) -> list[SessionRow]:
        """Where the caller, a user, is signed in."""
        user_id = caller.user_id
        if user_id is None:
            return []
        now = self._ledger.now()
        return await self._ledger.read(lambda c: session_store.of_user(c, user_id, now))

    async def _row(self, new: NewUser, project: str) -> UserRow:
        digest = None
        if new.password is not None:
            check_fit(new.password, new.name)
            digest = await self._passwords.hashed(new.password)
        return new_row(new, project, digest, now=self._ledger.now())

    async def _values(self, found: UserRow, change: UserChange, now: Instant) -> dict[str, Any]:
        """The columns that a change writes."""
        values = dict(change.profile)
        if "extensions" in values:
            values["extensions"] = json.dumps(values["extensions"])
        if change.role is not None:
            values["role"] = change.role.word
        if change.disabled is not None:
            values["disabled_at"] = (found.disabled_at or now) if change.disabled else None
        if change.password is not None:
            check_fit(change.password, found.name)
            values["password_hash"] = await self._passwords.hashed(change.password)
            values["password_changed_at"] = now
        return values

    async def _found(self, caller: Principal, name: str) -> UserRow:
        caller.require(Role.ADMIN)
        row = await self._ledger.read(lambda c: user_store.by_name(c, name.lower()))
        if row is None or caller.project not in (DEFAULT_PROJECT, row.project):
            raise UserNotFound.of(name)
        return row


def new_row(new: NewUser, project: str, digest: str | None, *, now: Instant) -> UserRow:
    """A user as it is kept."""
    return UserRow(
        clock.uuid7(now),
        new.name,
        new.name.lower(),
        project,
        new.role.word,
        now,
        full_name=new.full_name,
        email=new.email,
        password_hash=digest,
        password_changed_at=None if digest is None else now,
        extensions=json.dumps(new.extensions),
    )


def shown(row: UserRow) -> User:
    """A user without what nobody may see."""
    return User(
        row.id,
        row.name,
        row.project,
        Role[row.role.upper()],
        row.created_at,
        row.full_name,
        row.email,
        row.password_hash is not None,
        row.password_changed_at,
        row.disabled_at,
        row.last_login_at,
        json.loads(row.extensions),
    )


def _keep(connection: Connection, row: UserRow) -> None:
    if project_store.get(connection, row.project) is None:
        raise ProjectNotFound.of(row.project)
    if not user_store.add(connection, row):
        raise UserExists(f"There is a user {row.name!r}; names differ in more than their case.")


def _made(who: Principal | str, row: UserRow) -> trail_store.TrailRow:
    target = f"user:{row.name}"
    at = row.created_at
    return entry(who, "user.create", target, now=at, project=row.project, role=row.role)


_TOLD = {"password_hash": "password", "disabled_at": "disabled"}


def _told(column: str) -> str:
    return _TOLD.get(column, column)
