"""Passwords: what makes one fit, and their argon2id hashes.

A hash costs tens of milliseconds and 64 MiB on purpose. So they are made on threads of their own, a
few at a time, and no more may wait than are made within seconds.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar
from unicodedata import normalize

from farwork.domain.errors import Unprocessable
from farwork.service.ledger import Overloaded

T = TypeVar("T")

LENGTH_MIN = 12
LENGTH_MAX = 256
HASHES_AT_ONCE = 2
HASHES_WAITING_MAX = 40


class PasswordUnfit(Unprocessable):
    """The password cannot be taken."""

    code = "password_unfit"


def check_fit(password: str, name: str) -> None:
    """Raises `PasswordUnfit` about a password that is easily guessed. Length counts, not signs."""
    if len(password) < LENGTH_MIN:
        raise PasswordUnfit(f"A password has at least {LENGTH_MIN} characters.")
    if len(password) > LENGTH_MAX:
        raise PasswordUnfit(f"A password has at most {LENGTH_MAX} characters.")
    if name.lower() in password.lower() and len(password) < len(name) + LENGTH_MIN:
        raise PasswordUnfit("The password is little more than the user's name.")
    if len(set(password)) == 1:
        raise PasswordUnfit("The password is one character again and again.")


def hashed(password: str) -> str:
    """The argon2id hash of a password, with its salt and parameters. Takes its time."""
    digest: str = _hasher().hash(_normal(password))
    return digest


def matches(stored: str | None, password: str) -> tuple[bool, bool]:
    """Whether this is the password, and whether its hash should be made anew.

    It takes as long without a stored hash, so that nobody learns who has one.
    """
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - as below

    hasher = _hasher()
    try:
        hasher.verify(stored or _nobodys(), _normal(password))
    except (VerificationError, InvalidHashError):
        return False, False
    return stored is not None, stored is not None and hasher.check_needs_rehash(stored)


class Passwords:
    """Makes and checks hashes beside the event loop."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(HASHES_AT_ONCE, thread_name_prefix="farwork-hasher")
        self._waiting = 0

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hashed(self, password: str) -> str:
        """The hash of a password. Raises `Overloaded`."""
        return await self._run(lambda: hashed(password))

    async def matches(self, stored: str | None, password: str) -> tuple[bool, bool]:
        """As the function `matches`. Raises `Overloaded`."""
        return await self._run(lambda: matches(stored, password))

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= HASHES_WAITING_MAX:
            raise Overloaded("Too many are signing in at once; try again shortly.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _normal(password: str) -> str:
    """The same characters however the keyboard composed them."""
    return normalize("NFKC", password)


@cache
def _hasher() -> Any:
    from argon2 import PasswordHasher  # noqa: PLC0415 - a server without users need not load it

    return PasswordHasher()


@cache
def _nobodys() -> str:
    return hashed("nobody has this password")
