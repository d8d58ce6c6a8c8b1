"""The digits trainer, as a program of its own, against a receiver on loopback."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples.digits.train import Webhook
from tests.examples.receiver import Reaction, Receiver

TRAIN = Path(__file__).parents[2] / "examples" / "digits" / "train.py"


def run_training(receiver: Receiver, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TRAIN), "--webhook", f"{receiver.url}/hook", *options]
    command += ["--task-id", "digits-7", "--instance", "gpu-3", "--zone", "north"]
    environment = os.environ | {"SARTIQ_TOKEN": "fw_key", "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def column(events: list[dict[str, Any]], name: str) -> list[Any]:
    return [event.get(name) for event in events]


def test_a_training_tells_its_start_every_epoch_and_its_end() -> None:
    with Receiver() as receiver:
        finished = run_training(receiver, "--epochs", "4")

    assert finished.returncode == 0, finished.stderr
    events = receiver.events
    assert column(events, "status") == ["started", *["training"] * 4, "completed"]
    assert column(events, "progress") == [0, 25, 50, 75, 100, 100]
    times = [datetime.fromisoformat(text) for text in column(events, "timestamp")]
    assert times == sorted(times)
    assert events[-1]["completed_at"] is not None
    epochs = [event["metadata"] for event in events[1:-1]]
    assert column(epochs, "epoch") == [1, 2, 3, 4]
    assert epochs[-1]["loss"] < epochs[0]["loss"]
    accuracy = events[-1]["metadata"]["accuracy"]
    assert 0.9 < accuracy <= 1
    assert finished.stdout.splitlines()[-1] == f"completed: accuracy {accuracy}"


def test_every_event_says_which_task_it_is_about_and_who_speaks() -> None:
    with Receiver() as receiver:
        run_training(receiver, "--epochs", "1")

    assert {(post.path, post.authorization) for post in receiver.posts} == {
        ("/hook", "Bearer fw_key")
    }
    spoken = {
        (event["event_type"], event["task_id"], event["origin_instance"], event["origin_zone"])
        for event in receiver.events
    }
    assert spoken == {("training_status_update", "digits-7", "gpu-3", "north")}
    assert all(event["origin_version"] for event in receiver.events)


@pytest.mark.parametrize(
    ("options", "category", "message"),
    [
        (["--hidden-units", "0"], "ValueError", "hidden_layer_sizes must be > 0, got [0]."),
        (
            ["--learning-rate", "-0.5"],
            "InvalidParameterError",
            (
                "The 'learning_rate_init' parameter of MLPClassifier must be a float in the range "
                "(0.0, inf). Got -0.5 instead."
            ),
        ),
        (["--epochs", "0"], "ValueError", "epochs must be > 0, got 0"),
    ],
)
def test_an_impossible_setting_fails_in_the_words_of_the_exception(
    options: list[str], category: str, message: str
) -> None:
    with Receiver() as receiver:
        finished = run_training(receiver, *options)

    started, failed = receiver.events
    assert (started["status"], failed["status"]) == ("started", "failed")
    assert (failed["error_category"], failed["error_message"]) == (category, message)
    assert failed["completed_at"] is not None
    assert finished.returncode == 1
    assert f"{category}: {message}" in finished.stderr


def test_a_training_that_diverges_fails_with_the_progress_it_had() -> None:
    with Receiver() as receiver:
        finished = run_training(receiver, "--learning-rate", "3e4", "--epochs", "40")

    failed = receiver.events[-1]
    assert failed["status"] == "failed", finished.stdout
    assert failed["error_message"] in finished.stderr
    assert failed["progress"] == receiver.events[-2]["progress"]


def test_an_event_is_posted_again_as_the_same_bytes_until_it_is_taken() -> None:
    bad = [Reaction.REFUSE_FOR_NOW, Reaction.HANG_UP, Reaction.KEEP_SILENT]
    with Receiver(bad) as receiver, httpx.Client(timeout=0.3) as client:
        webhook = Webhook(client, receiver.url, patience_seconds=30)
        assert webhook.deliver({"task_id": "digits-7", "status": "started"})

    assert len(receiver.bodies) == len(bad) + 1
    assert len(set(receiver.bodies)) == 1


def test_a_sender_whose_patience_ends_says_which_event_was_lost_and_why(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Receiver([Reaction.REFUSE_FOR_GOOD] * 9) as receiver, httpx.Client() as client:
        webhook = Webhook(client, receiver.url, patience_seconds=0.1)
        assert not webhook.deliver({"task_id": "digits-7", "status": "completed"})

    assert capsys.readouterr().err == "gave up on the event completed: answer 422 {}\n"
