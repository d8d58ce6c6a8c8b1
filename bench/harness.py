"""Starts the servers to measure, drives load at them in turn, and stops them."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter

import msgspec

from bench.load import WARM, Load, Order
from bench.workloads import Plan

_READY_SECONDS_MAX = 30.0
_STOP_SECONDS_MAX = 15.0
_PACE_SECONDS = 0.05
_ROOT = Path(__file__).parent.parent


class ServerFailed(Exception):
    """A server ended, or did not get ready in time; the text is the end of its log."""


class RequestsRefused(Exception):
    """A server answered requests with something other than success; such a round has no figures."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; the key is empty when it wants none.

    `database_pid` is the database server that works for it and for nobody else.
    """

    name: str
    pid: int
    port: int
    key: str = ""
    database_pid: int | None = None

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes whose work is the server's, each with all its children."""
        return (self.pid,) if self.database_pid is None else (self.pid, self.database_pid)


@contextmanager
def scratch() -> Generator[Path]:
    """Gives a directory for databases and logs, on the disk of the system's temporary files."""
    with tempfile.TemporaryDirectory(prefix="farwork-bench-") as directory:
        yield Path(directory)


def free_port() -> int:
    """Finds a loopback port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def served(
    name: str, command: list[str], port: int, directory: Path, env: Mapping[str, str] | None = None
) -> Generator[Server]:
    """Runs a server, waits until it answers `/readyz`, and stops it with all its processes."""
    log = directory / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=_ROOT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, port, log)
        yield Server(name, process.pid, port)
    finally:
        _stop(process)


def drive(server: Server, plan: Plan, **settings: float) -> Load:
    """Sends one round of load from a process of its own; refused requests void the round."""
    with _generator(server, plan, settings) as generator:
        return _load_of(server, generator)


@contextmanager
def driven(server: Server, plan: Plan, **settings: float) -> Generator[Callable[[], Load]]:
    """Sends load, warmed up, until the given function is called; that gives what was seen."""
    with _generator(server, plan, {**settings, "seconds": None}) as generator:
        assert generator.stdout is not None
        warm = generator.stdout.readline().decode().strip()
        if warm != WARM:
            raise RequestsRefused(f"{server.name}: {_errors_of(generator)}")
        yield lambda: _load_of(server, generator)


@contextmanager
def _generator(
    server: Server, plan: Plan, settings: Mapping[str, float | None]
) -> Generator[subprocess.Popen[bytes]]:
    order = Order(port=server.port, server_pids=server.pids, plan=plan)
    with subprocess.Popen(
        [sys.executable, "-m", "bench.load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=_ROOT,
    ) as generator:
        assert generator.stdin is not None
        generator.stdin.write(msgspec.json.encode(msgspec.structs.replace(order, **settings)))
        generator.stdin.write(b"\n")
        generator.stdin.flush()
        try:
            yield generator
        finally:
            generator.kill()


def _load_of(server: Server, generator: subprocess.Popen[bytes]) -> Load:
    answer, errors = generator.communicate()
    if generator.returncode != 0:
        raise RequestsRefused(f"{server.name}: {errors.decode(errors='replace')[-2000:]}")
    load = msgspec.json.decode(answer, type=Load)
    if load.refused:
        raise RequestsRefused(f"{server.name} refused {load.refused}: {load.refusals}")
    return load


def _errors_of(generator: subprocess.Popen[bytes]) -> str:
    return generator.communicate()[1].decode(errors="replace")[-2000:]


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = perf_counter() + _READY_SECONDS_MAX
    while not _is_ready(port):
        # Waiting for the process sets the pace and notices a server that ended at once.
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PACE_SECONDS)
            raise ServerFailed(_end_of(log))
        if perf_counter() > deadline:
            raise ServerFailed(f"not ready after {_READY_SECONDS_MAX} s: {_end_of(log)}")


def _is_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=1.0)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # The server leads a session of its own, so this reaches children that outlived it.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-4000:]
