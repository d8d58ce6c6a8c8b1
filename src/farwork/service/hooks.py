"""Outgoing webhooks: who is told of what, and how it went."""

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from farwork import clock
from farwork.domain.commands import Callback
from farwork.domain.errors import Refused, TaskNotFound, Unprocessable
from farwork.domain.values import Instant
from farwork.protocol.hooks import (
    AttemptMade,
    CallbackIn,
    EventFilter,
    HookCreate,
    HookPatch,
    RotateIn,
)
from farwork.service.access import Principal, Role
from farwork.service.audit import entry
from farwork.service.ledger import Ledger
from farwork.service.targets import Guard
from farwork.storage import (
    access_store,
    delivery_store,
    event_reader,
    hook_store,
    task_reader,
    trail_store,
)
from farwork.storage.hook_store import HookNotFound, HookRow

SECRET_PREFIX = "whsec_"  # noqa: S105 - how the standard marks a secret, not one
SECRET_BYTES = 32
SECRET_BYTES_RANGE = (24, 64)
HOOKS_MAX = 200


class TooManyHooks(Refused):
    """The project has as many hooks as it may have."""

    code = "too_many_hooks"


class HookNotAllowed(Unprocessable):
    """Nothing may be sent to this address."""

    code = "hook_not_allowed"


class BadSecret(Unprocessable):
    """The secret is not one of Standard Webhooks."""

    code = "bad_secret"


class Tester(Protocol):
    """Sends one message at once."""

    async def try_out(self, hook: HookRow) -> AttemptMade:
        """What became of a test message."""
        ...


@dataclass(slots=True)
class Known:
    """A hook, and how many of its deliveries are in which state."""

    hook: HookRow
    deliveries: dict[str, int]


class Hooks:
    """Keeps the hooks. Reading needs operator, changing needs admin."""

    def __init__(self, ledger: Ledger, guard: Guard, tester: Tester) -> None:
        self._ledger = ledger
        self._guard = guard
        self._tester = tester

    async def create(self, caller: Principal, said: HookCreate) -> tuple[HookRow, str]:
        """Make a hook; its secret is given this once.

        Raises `TooManyHooks`, `HookNotAllowed`, `BadSecret`.
        """
        caller.require(Role.ADMIN)
        self._check(said.url)
        secret = clock.token(SECRET_BYTES) if said.secret is None else secret_from(said.secret)
        now = self._ledger.now()
        hook_id = clock.uuid7(now)
        made = entry(caller, "hook.create", f"hook:{hook_id}", now=now, name=said.name)

        def keep(connection: Connection) -> HookRow:
            if hook_store.count(connection, caller.project) >= HOOKS_MAX:
                raise TooManyHooks(f"A project has {HOOKS_MAX} hooks at most; remove one first.")
            position = event_reader.head(connection) if said.after is None else said.after
            hook = HookRow(
                id=hook_id,
                project=caller.project,
                name=said.name,
                url=said.url,
                format=said.format,
                wanted=wanted_text(said.filter),
                secret=secret,
                position=position,
                creator=caller.name,
                created_at=now,
                updated_at=now,
                token=said.token,
            )
            access_store.add_project(connection, hook.project, now)
            hook_store.add(connection, hook)
            trail_store.add(connection, [made])
            return hook

        return await self._ledger.work(keep), secret_text(secret)

    def faults(self, url: str | None, secret: str | None) -> list[tuple[str, str]]:
        """What is wrong with a URL and a secret, each with the pointer to it."""
        found: list[tuple[str, str]] = []
        if url is not None:
            try:
                self._guard.check_url(url)
            except ValueError as error:
                found.append(("/url", str(error)))
        if secret is not None:
            try:
                secret_from(secret)
            except BadSecret as error:
                found.append(("/secret", error.detail))
        return found

    async def page(
        self, caller: Principal, *, after: str, limit: int
    ) -> tuple[list[HookRow], str | None]:
        """Hooks, oldest first, and the id behind which the next page begins."""
        caller.require(Role.OPERATOR)
        rows = await self._ledger.read(
            lambda con: hook_store.page(con, caller.project, after=after, limit=limit + 1)
        )
        found = rows[:limit]
        return found, found[-1].id if len(rows) > limit else None

    async def of_task(self, caller: Principal, task_id: str) -> list[HookRow]:
        """The callback of a task, if it has one. Raises `TaskNotFound`."""
        caller.require(Role.OPERATOR)

        def look(connection: Connection) -> list[HookRow]:
            task = task_reader.get(connection, caller.project, task_id)
            if task is None:
                raise TaskNotFound.of(task_id)
            found = hook_store.of_task(connection, task.pk)
            return [] if found is None else [found]

        return await self._ledger.read(look)

    async def get(self, caller: Principal, hook_id: str) -> Known:
        """A hook. Raises `HookNotFound`."""
        caller.require(Role.OPERATOR)

        def look(connection: Connection) -> Known:
            hook = hook_store.present(connection, caller.project, hook_id)
            return Known(hook, delivery_store.counts(connection, hook_id))

        return await self._ledger.read(look)

    async def change(
        self, caller: Principal, hook_id: str, said: HookPatch, if_version: int | None
    ) -> HookRow:
        """Change a hook. Raises `HookNotFound`, `VersionMismatch`, `HookNotAllowed`.

        One that is made active begins with its circuit closed, where it stood in the feed.
        """
        caller.require(Role.ADMIN)
        if said.url is not UNSET:
            self._check(said.url)
        values: dict[str, Any] = {
            name: value
            for name in ("url", "name", "format", "state", "token")
            if (value := getattr(said, name)) is not UNSET
        }
        if said.filter is not UNSET:
            values["wanted"] = wanted_text(said.filter)
        if said.state == "disabled":
            values["reason"] = "asked"
        elif said.state == "active":
            values |= CLOSED | {"reason": None}
        now = self._ledger.now()
        told = {name for name in HookPatch.__struct_fields__ if getattr(said, name) is not UNSET}
        row = entry(caller, "hook.change", f"hook:{hook_id}", now=now, changed=sorted(told))

        def keep(connection: Connection) -> HookRow:
            hook = hook_store.present(connection, caller.project, hook_id)
            changed = hook_store.change(connection, hook, values, at=now, if_version=if_version)
            trail_store.add(connection, [row])
            if said.state == "active":
                delivery_store.hasten(connection, hook_id, now)
            return changed

        return await self._ledger.work(keep)

    async def rotate(self, caller: Principal, hook_id: str, said: RotateIn) -> tuple[HookRow, str]:
        """Give a hook another secret; for a while both sign. Raises `HookNotFound`, `BadSecret`."""
        caller.require(Role.ADMIN)
        secret = clock.token(SECRET_BYTES) if said.secret is None else secret_from(said.secret)
        now = self._ledger.now()
        row = entry(caller, "hook.rotate", f"hook:{hook_id}", now=now)

        def keep(connection: Connection) -> HookRow:
            hook = hook_store.present(connection, caller.project, hook_id)
            trail_store.add(connection, [row])
            values: dict[str, Any] = {"secret": secret, "old_secret": None}
            values["old_secret_until"] = None
            if said.keep_seconds and hook.secret is not None:
                until = now + said.keep_seconds * 1_000_000
                values |= {"old_secret": hook.secret, "old_secret_until": until}
            return hook_store.change(connection, hook, values, at=now)

        return await self._ledger.work(keep), secret_text(secret)

    async def remove(self, caller: Principal, hook_id: str, if_version: int | None) -> None:
        """Remove a hook, and what it was yet to be sent. Raises `HookNotFound`."""
        caller.require(Role.ADMIN)
        row = entry(caller, "hook.delete", f"hook:{hook_id}", now=self._ledger.now())

        def drop(connection: Connection) -> None:
            hook = hook_store.present(connection, caller.project, hook_id)
            # Only for the look at the version.
            hook_store.change(connection, hook, {}, at=hook.updated_at, if_version=if_version)
            hook_store.remove(connection, hook_id)
            trail_store.add(connection, [row])

        await self._ledger.work(drop)

    async def test(self, caller: Principal, hook_id: str) -> AttemptMade:
        """Send a test message at once; what became of it. Raises `HookNotFound`."""
        caller.require(Role.ADMIN)
        row = entry(caller, "hook.test", f"hook:{hook_id}", now=self._ledger.now())

        def look(connection: Connection) -> HookRow:
            hook = hook_store.present(connection, caller.project, hook_id)
            trail_store.add(connection, [row])
            return hook

        hook = await self._ledger.work(look)
        return await self._tester.try_out(hook)

    def _check(self, url: str) -> None:
        try:
            self._guard.check_url(url)
        except ValueError as error:
            raise HookNotAllowed(f"The URL {error}.") from None


CLOSED: dict[str, Any] = {
    "failures": 0,
    "failing_since": None,
    "probe_at": None,
    "last_error": None,
}
"""The values of a hook whose circuit is closed."""


def callback_of(said: CallbackIn) -> Callback:
    """A callback as it is kept. Raises `BadSecret`."""
    secret = None if said.secret is None else secret_from(said.secret)
    return Callback(said.url, wanted_text(EventFilter(on=said.on)), said.format, secret, said.token)


def wanted_text(said: EventFilter) -> str:
    """A filter as it is kept."""
    return msgspec.json.encode(said).decode()


def wanted_from(text: str) -> EventFilter:
    """A filter that was kept as this text."""
    return msgspec.json.decode(text, type=EventFilter)


def secret_text(secret: bytes) -> str:
    """A secret as the standard writes it."""
    return SECRET_PREFIX + b64encode(secret).decode()


def secret_from(text: str) -> bytes:
    """The bytes of a secret. Raises `BadSecret`."""
    least, most = SECRET_BYTES_RANGE
    try:
        found = b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise BadSecret("must be 'whsec_' and base64") from None
    if not least <= len(found) <= most:
        raise BadSecret(f"must have {least} to {most} bytes, not {len(found)}")
    return found


__all__ = ["HookNotFound", "HookRow", "Hooks", "Instant", "Known", "Tester", "TooManyHooks"]
