"""Keeps one PostgreSQL server for as long as a test run lives, however that run ends.

The processes of a run (pytest-xdist has several) share one server. The run's first process holds a
lock on `alive` in the run's folder; the keeper, a process beside them, waits for that lock. The
kernel gives it away even when the run is killed; then the keeper stops the server and cleans up.
"""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_UN, flock
from pathlib import Path

from tests.support.postgres import PostgresServer

ALIVE = "alive"
STARTING = "starting"
KEEPING = "keeping"
ADDRESS = "address"


@contextmanager
def locked(path: Path) -> Generator[None]:
    with path.open("a") as file:
        flock(file, LOCK_EX)
        try:
            yield
        finally:
            flock(file, LOCK_UN)


@contextmanager
def run_alive(folder: Path) -> Generator[None]:
    """While it is open the server may live; afterwards it is gone."""
    with locked(folder / ALIVE):
        yield
    with locked(folder / KEEPING):
        pass


def shared_server_url(folder: Path) -> str:
    """The administration URL of the run's server, started by whoever asks first."""
    address = folder / ADDRESS
    with locked(folder / STARTING):
        if not address.exists():
            _start_keeper(folder)
    return address.read_text()


def _start_keeper(folder: Path) -> None:
    keeper = subprocess.Popen(
        [sys.executable, "-m", __name__, str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,  # an interrupt from the keyboard reaches the run, not its keeper
    )
    assert keeper.stdout is not None
    with keeper.stdout as told:
        url = told.readline().decode().strip()  # ends early if the keeper dies
    if not url:
        raise RuntimeError(
            f"PostgreSQL did not start (exit {keeper.wait()}); its reason is on stderr"
        )
    keeper.returncode = 0  # not ours to wait for: it outlives this process
    (folder / ADDRESS).write_text(url)


def keep(folder: Path) -> None:
    with locked(folder / KEEPING):
        server = PostgresServer()
        try:
            server.start()
            sys.stdout.write(server.url("postgres") + "\n")
            sys.stdout.flush()
            with locked(folder / ALIVE):
                server.crash()  # nothing in it is worth a checkpoint
        finally:
            server.remove()


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
