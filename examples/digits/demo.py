"""Three real trainings, one bad network, one record: starts it all, shows it, checks the end.

    make demo

Starts a server with a database of its own, a relay that loses, reorders and doubles what passes
through it, and three trainings side by side that report by way of the relay; one of them has an
impossible setting. `farwork` shows them until they end. Then the record is compared with what the
trainings said themselves. Exits with 0 if the record is right, with 1 if it is not.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from examples.stage import (
    DemoFailed,
    Server,
    Stage,
    judged,
    new_key,
    say,
    staged,
    start_server,
    stop,
)

HERE = Path(__file__).parent


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


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(description="Three trainings, one bad network, one record.")
    options.add_argument("--seed", type=int, default=7, help="of the network's dice")
    asked = options.parse_args(arguments)
    with staged() as (stage, database):
        try:
            complaints = play(stage, database, asked.seed)
        except (DemoFailed, OSError, httpx.HTTPError) as failure:
            complaints = [f"the demonstration broke off: {failure}"]
            say(stage.last_words())
    return judged(complaints, "The record says of every training what the training said itself.")


if __name__ == "__main__":
    sys.exit(main())
