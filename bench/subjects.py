"""The servers that are measured: the product and its references."""

import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from psycopg import sql

from bench.harness import Server, ServerFailed, free_port, served
from tests.support.postgres import PostgresServer

_FARWORK = str(Path(sys.executable).parent / "farwork")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running PostgreSQL server."""

    server: PostgresServer
    pid: int

    def create(self, database: str, template: str = "template1") -> str:
        """Makes a database, empty or a copy, and gives its URL."""
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            names = (sql.Identifier(database), sql.Identifier(template))
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        return self.server.url(database)


def sqlite_url(file: Path) -> str:
    """Names a database file the way `--database` wants it."""
    return f"sqlite:///{file}"


@contextmanager
def farwork(
    directory: Path,
    database: str,
    processes: int = 1,
    name: str = "farwork",
    env: Mapping[str, str] | None = None,
) -> Generator[Server]:
    """Serves the product as its users do: its own command, a key of its own, keys demanded."""
    key = farwork_key(database)
    port = free_port()
    command = [
        *(_FARWORK, "serve", "--host", "127.0.0.1", "--port", str(port)),
        *("--database", database, "--auth", "on", "--processes", str(processes)),
    ]
    with served(name, command, port, directory, env) as server:
        yield replace(server, key=key)


@contextmanager
def farwork_on(
    directory: Path, cluster: Cluster, database: str, processes: int, name: str
) -> Generator[Server]:
    """Serves the product on a database of a PostgreSQL server, whose work counts as its own."""
    url = cluster.server.url(database)
    with farwork(directory, url, processes, name) as server:
        yield replace(server, database_pid=cluster.pid)


@contextmanager
def postgresql() -> Generator[Cluster]:
    """Runs a PostgreSQL server that flushes at each commit, for one bench and then no more."""
    server = PostgresServer(durable=True)
    try:
        server.start()
        pid = int((server.folder / "data" / "postmaster.pid").read_text().split("\n")[0])
        yield Cluster(server, pid)
        server.stop()
    finally:
        server.remove()


@contextmanager
def bare(directory: Path) -> Generator[Server]:
    """Serves the handler that stores nothing."""
    port = free_port()
    command = _granian("bench.references.bare_litestar:app", port)
    with served("bare", command, port, directory) as server:
        yield server


@contextmanager
def orm(directory: Path, connections: int = 1) -> Generator[Server]:
    """Serves the ordinary FastAPI service over a database file of its own."""
    port = free_port()
    settings = {
        "ORM_REFERENCE_FILE": str(directory / "orm.db"),
        "ORM_REFERENCE_CONNECTIONS": str(connections),
    }
    # uvicorn answers this service a little faster than granian does, so it is the fairer host.
    command = [
        *(sys.executable, "-m", "uvicorn", "bench.references.orm_fastapi:app"),
        *("--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop", "--http", "httptools"),
        *("--no-access-log", "--log-level", "warning"),
    ]
    with served("orm", command, port, directory, settings) as server:
        yield server


@contextmanager
def canned(directory: Path) -> Generator[Server]:
    """Serves the same bytes for every request."""
    port = free_port()
    command = [sys.executable, "-m", "bench.references.canned", str(port)]
    with served("canned", command, port, directory) as server:
        yield server


def _granian(application: str, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", application),
        *("--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--runtime-mode", "st", "--loop", "uvloop", "--http", "1", "--no-ws"),
        *("--log-level", "warning"),
    ]


def farwork_key(database: str, project: str = "default") -> str:
    """Makes an admin key of a project."""
    command = [_FARWORK, "keys", "create", "--role", "admin", "--database", database]
    command += ["--project", project]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise ServerFailed(f"no key: {answer.stderr[-2000:]}")
    return answer.stdout.strip()
