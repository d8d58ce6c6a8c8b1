"""What the demonstrations share: a server of their own, and programs that end with it."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import httpx

FARWORK = Path(sys.executable).with_name("farwork")
SECONDS_MAX = 55.0
STOP_SECONDS_MAX = 10.0
POLL_SECONDS = 0.05


class DemoFailed(Exception):
    """The demonstration could not be played to its end."""


class Stage:
    """Starts programs, keeps what they print, and in the end stops every one of them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._deadline = time.monotonic() + SECONDS_MAX
        # A setting of the person at the keyboard must not lead to another server or database.
        mine = {name: value for name, value in os.environ.items() if "FARWORK_" not in name}
        self._environment = mine | {"NO_PROXY": "127.0.0.1", "OMP_NUM_THREADS": "1"}

    def environment(self, **more: str) -> dict[str, str]:
        return self._environment | more

    def start(self, name: str, command: Sequence[str], **more: str) -> subprocess.Popen[bytes]:
        output = self._stack.enter_context((self.folder / name).open("wb"))
        return self._watched(
            subprocess.Popen(  # noqa: S603 - our own programs
                command, stdout=output, stderr=subprocess.STDOUT, env=self.environment(**more)
            )
        )

    def show(self, command: Sequence[str], **more: str) -> subprocess.Popen[bytes]:
        """Starts a program that prints where the demonstration itself prints."""
        return self._watched(
            subprocess.Popen(command, env=self.environment(**more))  # noqa: S603 - our own programs
        )

    def printed_by(self, name: str) -> str:
        return (self.folder / name).read_text(errors="replace")

    def last_words(self) -> str:
        """Gives the end of what each program printed, for the one who must find out why."""
        files = sorted(file for file in self.folder.iterdir() if not file.suffix)
        return "\n".join(
            f"--- {file.name} ---\n{self.printed_by(file.name)[-2000:]}" for file in files
        )

    def wait_for_end(self, what: str, process: subprocess.Popen[bytes]) -> int:
        try:
            return process.wait(max(0, self._deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise DemoFailed(f"{what} has not ended after {SECONDS_MAX:g} s") from None

    def wait_until(
        self, what: str, happened: Callable[[], bool], needing: subprocess.Popen[bytes]
    ) -> None:
        while not happened():
            if needing.poll() is not None:
                raise DemoFailed(f"{what}: the program ended with {needing.returncode} before")
            if time.monotonic() > self._deadline:
                raise DemoFailed(f"{what}: not after {SECONDS_MAX:g} s")
            time.sleep(POLL_SECONDS)  # noqa: TID251 - no signal reaches us from another program

    def _watched(self, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        self._stack.callback(stop, process)
        return process


def stop(process: subprocess.Popen[bytes]) -> int:
    process.terminate()
    try:
        return process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


@dataclass(frozen=True)
class Server:
    """A running server, and what a person who holds a key does with it."""

    stage: Stage
    url: str
    key: str

    def get(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.get(self.url + path, headers=headers, trust_env=False)
        return answer.raise_for_status().json()

    def task_ids(self) -> set[str]:
        return {task["id"] for task in self.get("/v1/tasks")["items"]}

    def show(self, *arguments: str) -> subprocess.Popen[bytes]:
        say(f"\n$ farwork {' '.join(arguments)}")
        command = [str(FARWORK), *arguments]
        return self.stage.show(command, FARWORK_SERVER=self.url, FARWORK_KEY=self.key)

    def show_all(self, *arguments: str) -> None:
        if code := self.stage.wait_for_end("farwork", self.show(*arguments)):
            raise DemoFailed(f"farwork {arguments[0]} ended with {code}")


def say(text: str) -> None:
    print(text, flush=True)  # at once, to stay in order with what the programs print


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def new_key(stage: Stage, role: str, database: str) -> str:
    command = [str(FARWORK), "keys", "create", "--role", role, "--database", database]
    created = subprocess.run(  # noqa: S603 - our own program
        command, env=stage.environment(), capture_output=True, text=True, check=False
    )
    if created.returncode:
        raise DemoFailed(f"no {role} key could be made: {created.stderr}")
    return created.stdout.strip()


def start_server(stage: Stage, database: str, key: str) -> Server:
    port = free_port()
    server = Server(stage, f"http://127.0.0.1:{port}", key)
    command = [str(FARWORK), "serve", "--port", str(port), "--database", database]
    process = stage.start("server", command)
    stage.wait_until("the server is ready", lambda: is_ready(server), needing=process)
    return server


def is_ready(server: Server) -> bool:
    try:
        return httpx.get(server.url + "/readyz", trust_env=False).is_success
    except httpx.TransportError:
        return False


def unwind(number: int, _frame: FrameType | None) -> NoReturn:
    """Ends as Ctrl-C does: by way of the stack that stops what was started."""
    sys.exit(128 + number)


@contextmanager
def staged() -> Generator[tuple[Stage, str]]:
    """A stage, and a database of its own; everything is stopped and removed in the end."""
    signal.signal(signal.SIGTERM, unwind)
    with tempfile.TemporaryDirectory(prefix="farwork-demo-") as folder, ExitStack() as stack:
        yield Stage(Path(folder), stack), f"sqlite:///{folder}/demo.db"


def judged(complaints: list[str], praise: str) -> int:
    """Say what is wrong, or that nothing is; the exit code."""
    for complaint in complaints:
        say(f"WRONG: {complaint}")
    if not complaints:
        say(f"\n{praise}")
    return 1 if complaints else 0
