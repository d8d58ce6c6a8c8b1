"""What the tests of the command line share: real commands, a real server, a real terminal."""

import json
import os
import pty
import signal
import subprocess
import termios
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from zlib import crc32

import pytest

from farwork.sdk import Client
from tests.support.server import FARWORK, Server, serving

SECONDS_MAX = 60


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[Any]:
        """What it said, as JSON, one value a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Shell:
    """Where commands are typed: an environment of its own, without settings of this machine."""

    settings: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: text for name, text in os.environ.items() if "FARWORK_" not in name}
        return kept | {"TZ": "UTC", "COLUMNS": "80"} | self.settings

    def with_settings(self, **settings: str) -> "Shell":
        named = {f"FARWORK_{name.upper()}": text for name, text in settings.items()}
        return Shell(self.settings | named)

    def __call__(self, *arguments: str, stdin: str | None = None) -> Ended:
        """Runs a command with pipes at both ends."""
        done = subprocess.run(
            [FARWORK, *arguments],
            input=stdin or "",
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=SECONDS_MAX,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def started(self, *arguments: str, **more: Any) -> "subprocess.Popen[str]":
        """Starts a command, to be read while it runs."""
        return subprocess.Popen(
            [FARWORK, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            **more,
        )

    def on_terminal(self, *arguments: str, width: int = 80) -> str:
        """What a command shows on a terminal of this width."""
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, width))
        environment = self.environment | {"TERM": "xterm-256color"}
        del environment["COLUMNS"]
        with subprocess.Popen(
            [FARWORK, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        ):
            os.close(theirs)
            return _read_to_end(ours)


def _read_to_end(terminal: int) -> str:
    pieces: list[bytes] = []
    try:
        while piece := os.read(terminal, 65_536):
            pieces.append(piece)
    except OSError:
        pass  # so ends a terminal that nobody holds any more
    finally:
        os.close(terminal)
    return b"".join(pieces).decode().replace("\r\n", "\n")


class Serving:
    """A server as somebody at a terminal has it."""

    def __init__(self, shell: Shell, *arguments: str) -> None:
        self.process = shell.started("serve", "--json", *arguments, start_new_session=True)
        assert self.process.stdout is not None
        self.said: dict[str, Any] = json.loads(self.process.stdout.readline())

    @property
    def url(self) -> str:
        return str(self.said["url"])

    def stop(self, number: int = signal.SIGTERM, *, everybody: bool = False) -> tuple[int, str]:
        """Its exit code, and what it said on stderr."""
        if everybody:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        _, err = self.process.communicate(timeout=SECONDS_MAX)
        return self.process.returncode, err

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def wrapped(text: str) -> list[str]:
    """Long lines as a snapshot can hold them."""
    return [part for line in text.splitlines() for part in textwrap.wrap(line, 80)]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests; they keep apart by the names they give."""
    folder = tmp_path_factory.mktemp("server")
    with serving(f"sqlite:///{folder / 'farwork.db'}", folder) as running:
        yield running


@pytest.fixture(scope="session")
def admin_key(server: Server) -> str:
    return server.key("admin")


@pytest.fixture
def farwork(server: Server, admin_key: str) -> Shell:
    """Types commands for the server, as its admin."""
    return Shell().with_settings(server=server.url, key=admin_key)


@pytest.fixture
def shell() -> Shell:
    """Types commands for nobody in particular."""
    return Shell()


@pytest.fixture
def client(server: Server, admin_key: str) -> Iterator[Client]:
    with Client(server.url, admin_key) as talking:
        yield talking


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A word that no other test uses."""
    return f"t-{crc32(request.node.nodeid.encode()):08x}"


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'data' / 'farwork.db'}"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Moves this machine to another zone."""

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()
