"""Three real trainings, one bad network, one record: starts it all, shows it, checks the end.

    make demo

Starts a server with a database of its own, a relay that loses, reorders and doubles what passes
through it, and three trainings side by side that report by way of the relay; one of them has an
impossible setting. `farwork` shows them until they end. Then the record is compared with what the
trainings said themselves. Exits with 0 if the record is right, with 1 if it is not.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import httpx

HERE = Path(__file__).parent
FARWORK = Path(sys.executable).with_name("farwork")
SECONDS_MAX = 55.0
STOP_SECONDS_MAX = 10.0
POLL_SECONDS = 0.05


class DemoFailed(Exception):
    """The demonstration could not be played to its end."""


@dataclass(frozen=True)
class Training:
    task_id: str
    options: Sequence[str]
    ends: str


TRAININGS = (
    Training("digits-wide", ["--hidden-units=128", "--epochs=32"], "succeeded"),
    Training(
        "digits-narrow", ["--hidden-units=12", "--learning-rate=0.005", "--epochs=24"], "succeeded"
    ),
    Training("digits-impossible", ["--learning-rate=-0.5"], "failed"),
)


@dataclass(frozen=True)
class Outcome:
    """How a training ended."""

    state: str
    percent: float | None
    accuracy: float | None = None
    error: str | None = None

    def __str__(self) -> str:
        accuracy = "" if self.accuracy is None else f", accuracy {self.accuracy}"
        error = "" if self.error is None else f", {self.error}"
        return f"{self.state} at {self.percent or 0:g} %{accuracy}{error}"


def outcome_said(said: str) -> Outcome:
    """Reads what a training printed; its last line is its accuracy or the exception it died of."""
    last_line = said.strip().rpartition("\n")[2]
    if completed := re.fullmatch(r"completed: accuracy ([0-9.]+)", last_line):
        return Outcome("succeeded", 100, accuracy=float(completed[1]))
    epochs = re.findall(r"^epoch (\d+)/(\d+):", said, re.MULTILINE)
    percent = 100 * int(epochs[-1][0]) / int(epochs[-1][1]) if epochs else 0
    # Python names an exception with its module; the report carries the class alone.
    error = re.sub(r"^(\w+\.)+(?=\w+: )", "", last_line)
    return Outcome("failed", percent, error=error)


def outcome_recorded(task: Mapping[str, Any]) -> Outcome:
    """Reads the same from a task of the native API."""
    error = task["error"]
    return Outcome(
        task["state"],
        task["progress"]["percent"],
        accuracy=task["metadata"].get("accuracy"),
        error=f"{error['category']}: {error['message']}" if error else None,
    )


def complaint_about(training: Training, said: Outcome, recorded: Outcome) -> str | None:
    if said.state != training.ends:
        return f"should have {training.ends}, but says itself: {said}"
    if said != recorded:
        return f"says itself: {said}; but the record says: {recorded}"
    return None


class Stage:
    """Starts programs, keeps what they print, and in the end stops every one of them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._deadline = time.monotonic() + SECONDS_MAX
        # A setting of the person at the keyboard must not lead to another server or database.
        mine = {name: value for name, value in os.environ.items() if "FARWORK_" not in name}
        self._environment = mine | {"NO_PROXY": "127.0.0.1", "OMP_NUM_THREADS": "1"}

    def environment(self, **more: str) -> dict[str, str]:
        return self._environment | more

    def start(self, name: str, command: Sequence[str], **more: str) -> subprocess.Popen[bytes]:
        output = self._stack.enter_context((self._folder / name).open("wb"))
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
        return (self._folder / name).read_text(errors="replace")

    def last_words(self) -> str:
        """Gives the end of what each program printed, for the one who must find out why."""
        files = sorted(file for file in self._folder.iterdir() if not file.suffix)
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


def start_relay(stage: Stage, server: Server, seed: int) -> tuple[subprocess.Popen[bytes], str]:
    command = [sys.executable, str(HERE / "relay.py"), f"--upstream={server.url}", f"--seed={seed}"]
    process = stage.start("relay", command)
    listening = re.compile(r"listening on (\S+),")
    stage.wait_until(
        "the relay listens", lambda: bool(listening.search(stage.printed_by("relay"))), process
    )
    (url,) = listening.findall(stage.printed_by("relay"))
    return process, url


def start_training(
    stage: Stage, training: Training, relay_url: str, key: str
) -> subprocess.Popen[bytes]:
    webhook = f"{relay_url}/api/v1/tasks/webhook"
    command = [sys.executable, str(HERE / "train.py"), "--webhook", webhook]
    command += ["--task-id", training.task_id, "--timeout-seconds=1", *training.options]
    say(f"$ train.py --task-id {training.task_id} {' '.join(training.options)}")
    return stage.start(training.task_id, command, SARTIQ_TOKEN=key)


def play(stage: Stage, database: str, seed: int) -> list[str]:
    """Plays it all and returns what is wrong with the record, task by task."""
    admin_key, worker_key = (new_key(stage, role, database) for role in ("admin", "worker"))
    server = start_server(stage, database, admin_key)
    say(f"A server of its own listens on {server.url}, behind a bad network (seed {seed}).")
    relay, relay_url = start_relay(stage, server, seed)
    tail = server.show("tail")
    trainings = [start_training(stage, each, relay_url, worker_key) for each in TRAININGS]
    expected = {each.task_id for each in TRAININGS}
    stage.wait_until("every training has a task", lambda: server.task_ids() >= expected, relay)
    server.show_all("ls")
    for training, process in zip(TRAININGS, trainings, strict=True):
        stage.wait_for_end(training.task_id, process)
    undelivered = stop(relay)  # it first delivers what it still holds
    tail_ended_early = tail.poll() is not None
    stop(tail)
    server.show_all("ls")
    for training in TRAININGS:
        server.show_all("get", training.task_id)
    say("\n" + stage.printed_by("relay").partition("\n")[2])
    complaints = ["the relay could not deliver everything"] if undelivered else []
    if tail_ended_early:
        complaints.append("farwork tail ended before the trainings did")
    if strangers := server.task_ids() - expected:
        complaints.append(f"tasks that nobody started: {sorted(strangers)}")
    return complaints + [found for each in TRAININGS if (found := judge(stage, server, each))]


def judge(stage: Stage, server: Server, training: Training) -> str | None:
    said = outcome_said(stage.printed_by(training.task_id))
    recorded = outcome_recorded(server.get(f"/v1/tasks/{training.task_id}"))
    complaint = complaint_about(training, said, recorded)
    say(f"{training.task_id}: {recorded}" + (" - WRONG" if complaint else " - right"))
    return complaint and f"{training.task_id} {complaint}"


def unwind(number: int, _frame: FrameType | None) -> NoReturn:
    """Ends as Ctrl-C does: by way of the stack that stops what was started."""
    sys.exit(128 + number)


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(description="Three trainings, one bad network, one record.")
    options.add_argument("--seed", type=int, default=7, help="of the network's dice")
    asked = options.parse_args(arguments)
    signal.signal(signal.SIGTERM, unwind)
    with tempfile.TemporaryDirectory(prefix="farwork-demo-") as folder, ExitStack() as stack:
        stage = Stage(Path(folder), stack)
        try:
            complaints = play(stage, f"sqlite:///{folder}/demo.db", asked.seed)
        except (DemoFailed, OSError, httpx.HTTPError) as failure:
            complaints = [f"the demonstration broke off: {failure}"]
            say(stage.last_words())
    for complaint in complaints:
        say(f"WRONG: {complaint}")
    if not complaints:
        say("\nThe record says of every training what the training said itself.")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
