"""A real server: `farwork serve` in a process of its own, on a free port of loopback."""

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import httpx

from farwork import clock
from farwork.service.access import Role, new_key
from farwork.storage import access_store
from farwork.storage.engine import open_engine

FARWORK = Path(sys.executable).with_name("farwork")
START_SECONDS_MAX = 50.0
LOOK_SECONDS = 0.02
ANSWER_SECONDS_MAX = 30.0
# Loading the usual ones takes longer than most tests, and loopback shows none.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True)
class Server:
    """Where it listens, what it stands on, and what it has said on its terminal."""

    url: str
    database: str
    said: Path
    process: int

    def key(self, role: str = "admin", project: str = "default", name: str = "tests") -> str:
        """A new API key, made like those of `farwork keys create`, which would start Python."""
        row, text = new_key(project, Role[role.upper()], name, now=clock.now())
        engine = open_engine(self.database)
        with engine.begin() as connection:
            access_store.add_project(connection, project, row.created_at)
            access_store.add_key(connection, row)
        engine.dispose()
        return text

    def client(self, key: str | None = None) -> httpx.Client:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return httpx.Client(
            base_url=self.url, headers=headers, timeout=ANSWER_SECONDS_MAX, verify=NO_CERTIFICATES
        )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def serving(
    database: str, folder: Path, *options: str, listen: str = "", **settings: str
) -> Generator[Server]:
    """A server that answers, until the end of the context; `settings` are variables of its own."""
    port = int(listen) if listen else free_port()
    said = folder / f"server-{port}.log"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FARWORK_")}
    environment |= {f"FARWORK_{name.upper()}": value for name, value in settings.items()}
    with said.open("wb") as output:
        process = subprocess.Popen(
            [FARWORK, "serve", "--port", str(port), "--database", database, *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
        )
        try:
            server = Server(f"http://127.0.0.1:{port}", database, said, process.pid)
            _wait_until_it_answers(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(ANSWER_SECONDS_MAX)


def _wait_until_it_answers(server: Server, process: "subprocess.Popen[bytes]") -> None:
    pause = Event()
    for _ in range(int(START_SECONDS_MAX / LOOK_SECONDS)):
        try:
            httpx.get(f"{server.url}/healthz", timeout=ANSWER_SECONDS_MAX)
        except httpx.TransportError:
            assert process.poll() is None, f"the server ended:\n{server.said.read_text()}"
            pause.wait(LOOK_SECONDS)
        else:
            return
    raise AssertionError(f"the server does not answer:\n{server.said.read_text()}")


def task(client: httpx.Client, task_id: str) -> dict[str, Any]:
    """A task as the native API shows it."""
    response = client.get(f"/v1/tasks/{task_id}")
    assert response.status_code == 200, response.text
    shown: dict[str, Any] = json.loads(response.content)
    return shown
