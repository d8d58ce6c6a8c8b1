"""One server at a time on a SQLite file: a lock beside it, which says who holds it."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from farwork.cli.failures import ExitCode, Failure

# Where several processes put their counts together; the library looks there when it is loaded.
COUNTS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SUFFIX = ".serving"
_SIGNATURE_BYTES_MAX = 300


class Lock:
    """Held as long as the process, or one that it started, lives; the system lets go of it.

    Without a file (PostgreSQL) everybody may have it.
    """

    def __init__(self, database_file: Path | None) -> None:
        self._database_file = database_file
        self._held: int | None = None

    def take(self) -> None:
        """Take the lock. Fails if somebody else has it."""
        if self._database_file is None or sys.platform == "win32":
            return
        import fcntl

        lock = os.open(_beside(self._database_file), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _signature(lock)
            os.close(lock)
            raise Failure(
                f"{self._database_file} is being served already ({holder}). "
                "A SQLite file takes one server; PostgreSQL takes any number.",
                ExitCode.UNREACHABLE,
            ) from None
        self._held = lock

    def sign(self, holder: str) -> None:
        """Say who holds it."""
        if self._held is not None:
            os.ftruncate(self._held, 0)
            os.pwrite(self._held, holder.encode()[:_SIGNATURE_BYTES_MAX], 0)

    def release(self) -> None:
        """Let go of it."""
        if self._held is not None:
            os.close(self._held)
            self._held = None


@contextmanager
def shared_counts(processes: int) -> Generator[None]:
    """Let any of several processes tell what all of them have counted.

    It must be entered before anything that counts is loaded.
    """
    if processes == 1:
        yield
        return
    with TemporaryDirectory(prefix="farwork-counts-") as folder:
        os.environ[COUNTS_FOLDER] = folder
        yield


def holder(database_file: Path) -> str | None:
    """Who holds the lock; None: nobody."""
    if not _beside(database_file).exists():
        return None
    probe = Lock(database_file)
    try:
        probe.take()
    except Failure:
        lock = os.open(_beside(database_file), os.O_RDONLY)
        try:
            return _signature(lock)
        finally:
            os.close(lock)
    probe.release()
    return None


def _signature(lock: int) -> str:
    return os.pread(lock, _SIGNATURE_BYTES_MAX, 0).decode(errors="replace") or "by another process"


def _beside(database_file: Path) -> Path:
    return database_file.with_name(database_file.name + SUFFIX)
