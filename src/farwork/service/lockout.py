"""Guessing passwords gets slower with every wrong one.

A try is counted before the password is looked at, in a transaction of its own: many tries at once
get no further than one after the other. Names are held alike whether or not somebody has them, and
kept as hashes: people type their password where the name belongs.
"""

from hashlib import sha256

from sqlalchemy import Connection

from farwork.domain.values import Instant
from farwork.service.access import SECOND, TooManyRequests
from farwork.storage import guess_store

# So many wrong ones in a row cost nothing; each one after them costs twice as long a wait.
FREE_BY_NAME = 5
FREE_BY_ADDRESS = 50
WAIT_SECONDS_MAX = 15 * 60
# Whoever has not tried for so long begins anew.
FORGIVEN_AFTER_US = 24 * 3600 * SECOND
FORGOTTEN_AT_ONCE = 100


class LockedOut(TooManyRequests):
    """Too many wrong passwords came before."""

    code = "locked_out"


def subjects_of(folded: str, address: str | None) -> dict[str, int]:
    """What a try is held against, with how many are free."""
    found = {f"name:{sha256(folded.encode()).hexdigest()}": FREE_BY_NAME}
    if address is not None:
        found[f"address:{address}"] = FREE_BY_ADDRESS
    return found


def count_try(connection: Connection, subjects: dict[str, int], now: Instant) -> None:
    """Count a try as a wrong one until it is known better. Raises `LockedOut`; it is not counted.

    What is counted is kept only if the transaction is.
    """
    guess_store.forget_old(connection, now - FORGIVEN_AFTER_US, FORGOTTEN_AT_ONCE)
    standing = {one: guess_store.held(connection, one, now) for one in sorted(subjects)}
    locked_until = max(until for _, _, until in standing.values())
    if locked_until > now:
        seconds = -(-(locked_until - now) // SECOND)
        raise LockedOut.until(
            f"Too many wrong passwords; the next try is possible in {seconds} s.", seconds
        )
    for subject, (before, _, _) in standing.items():
        failures = before + 1
        wait = wait_seconds(failures, subjects[subject]) * SECOND
        guess_store.write(connection, subject, failures, now, now + wait if wait else 0)


def forgive(connection: Connection, subjects: dict[str, int], now: Instant) -> None:
    """The try was right: the name begins anew, and the address has one wrong one less."""
    for subject in sorted(subjects):
        if subject.startswith("name:"):
            guess_store.forget(connection, subject)
        else:
            failures, last_at, _ = guess_store.held(connection, subject, now)
            guess_store.write(connection, subject, max(0, failures - 1), last_at, 0)


def wait_seconds(failures: int, free: int) -> int:
    """How long the next try must wait after so many wrong ones."""
    beyond = failures - free
    return 0 if beyond < 0 else min(1 << min(beyond, 20), WAIT_SECONDS_MAX)
