"""Trains a real classifier on handwritten digits and tells a task webhook how it goes.

The program knows one URL and one token. It posts an event when it starts, one after each epoch
and one at its end, and posts each of them again until the other side answers 2xx:

    python train.py --webhook http://127.0.0.1:8400/api/v1/tasks/webhook --task-id digits-1

The token comes from the variable SARTIQ_TOKEN, or from --token, which every user of the machine
can see.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import sklearn  # pyright: ignore[reportMissingTypeStubs] - it has none
from sklearn.datasets import load_digits  # pyright: ignore[reportMissingTypeStubs] - it has none
from sklearn.model_selection import train_test_split  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType] - as above
from sklearn.neural_network import MLPClassifier  # pyright: ignore[reportMissingTypeStubs] - it has none

PAUSE_SECONDS_FIRST = 0.05
PAUSE_SECONDS_MAX = 1.0


@dataclass(frozen=True)
class Settings:
    """What a training may be told; scikit-learn is the judge of the values."""

    epochs: int
    hidden_units: int
    learning_rate: float
    seed: int


@dataclass(frozen=True)
class Epoch:
    """How well the classifier does after one pass over the training images."""

    epoch: int
    loss: float
    accuracy: float


def train(settings: Settings) -> Iterator[Epoch]:
    """Trains epoch by epoch; accuracy is measured on a quarter of the images, kept out of training.

    Settings that scikit-learn refuses make it raise here, at the first epoch.
    """
    if settings.epochs < 1:
        raise ValueError(f"epochs must be > 0, got {settings.epochs}")
    images, digits = cast("list[Any]", load_digits(return_X_y=True))
    parts = cast(
        "list[Any]",
        train_test_split(
            images / 16.0, digits, test_size=0.25, stratify=digits, random_state=settings.seed
        ),
    )
    seen, unseen, seen_digits, unseen_digits = parts
    classifier: Any = MLPClassifier(
        hidden_layer_sizes=(settings.hidden_units,),
        solver="sgd",
        learning_rate_init=settings.learning_rate,
        batch_size=8,  # pyright: ignore[reportArgumentType] - taken for text, as its default is
        random_state=settings.seed,
    )
    for number in range(1, settings.epochs + 1):
        classifier.partial_fit(seen, seen_digits, classes=range(10))
        accuracy = classifier.score(unseen, unseen_digits)
        yield Epoch(number, loss=round(float(classifier.loss_), 4), accuracy=round(accuracy, 4))


class Webhook:
    """Delivers events to one URL, each at least once or not within the given patience."""

    def __init__(self, client: httpx.Client, url: str, *, patience_seconds: float) -> None:
        self._client = client
        self._url = url
        self._patience_seconds = patience_seconds

    def deliver(self, event: dict[str, object]) -> bool:
        """Posts until the answer is 2xx; False when patience ran out first."""
        # Encoded once: a retry must be the same bytes, or the receiver takes it for another event.
        body = json.dumps(event, allow_nan=False).encode()
        pause, deadline = PAUSE_SECONDS_FIRST, time.monotonic() + self._patience_seconds
        while complaint := self._complaint_about(body):
            if time.monotonic() + pause > deadline:
                print(f"gave up on the event {event['status']}: {complaint}", file=sys.stderr)
                return False
            time.sleep(pause)  # noqa: TID251 - a program elsewhere, with a clock of its own
            pause = min(2 * pause, PAUSE_SECONDS_MAX)
        return True

    def _complaint_about(self, body: bytes) -> str | None:
        try:
            answer = self._client.post(self._url, content=body)
        except (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError) as failure:
            return f"{type(failure).__name__} {failure}"
        return None if answer.is_success else f"answer {answer.status_code} {answer.text[:200]}"


class Reporter:
    """Tells one task's story: what every event about it has in common stands here."""

    def __init__(self, webhook: Webhook, task_id: str, *, instance: str, zone: str) -> None:
        self._webhook = webhook
        self._progress = 0.0
        self._same_in_every_event: dict[str, object] = {
            "event_type": "training_status_update",
            "task_id": task_id,
            "task_type": "training",
            "entity_id": "handwritten-digits",
            "origin_instance": instance,
            "origin_zone": zone,
            "origin_version": f"scikit-learn {sklearn.__version__}",
            "started_at": timestamp(),
        }

    def report(self, status: str, *, progress: float | None = None, **more: object) -> bool:
        """Posts one event, stamped with the time at which it happened; False: not taken."""
        self._progress = self._progress if progress is None else progress
        event = {"status": status, "progress": self._progress, "timestamp": timestamp(), **more}
        return self._webhook.deliver(self._same_in_every_event | event)


def timestamp() -> str:
    return datetime.now(UTC).isoformat()  # noqa: TID251 - a program elsewhere, with a clock of its own


def run(settings: Settings, reporter: Reporter) -> bool:
    """Trains and reports; what made a training fail is reported, then raised again."""
    reporter.report("started", metadata=asdict(settings))
    accuracy = 0.0
    try:
        for epoch in train(settings):
            accuracy = epoch.accuracy
            print(f"epoch {epoch.epoch}/{settings.epochs}: loss {epoch.loss}, accuracy {accuracy}")
            progress = 100.0 * epoch.epoch / settings.epochs
            reporter.report("training", progress=progress, metadata=asdict(epoch))
    except Exception as failure:
        reporter.report(
            "failed",
            error_message=str(failure),
            error_category=type(failure).__name__,
            completed_at=timestamp(),
        )
        raise
    print(f"completed: accuracy {accuracy}")
    outcome = {"accuracy": accuracy}
    return reporter.report("completed", progress=100.0, completed_at=timestamp(), metadata=outcome)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exits with 0 if the training completed and its end was taken by the webhook."""
    asked = parser().parse_args(arguments)
    settings = Settings(asked.epochs, asked.hidden_units, asked.learning_rate, asked.seed)
    headers = {"Authorization": f"Bearer {asked.token}", "Content-Type": "application/json"}
    with httpx.Client(headers=headers, timeout=asked.timeout_seconds) as client:
        webhook = Webhook(client, asked.webhook, patience_seconds=asked.patience_seconds)
        reporter = Reporter(webhook, asked.task_id, instance=asked.instance, zone=asked.zone)
        return 0 if run(settings, reporter) else 1


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description="Train on handwritten digits, report each epoch.")
    options.add_argument("--webhook", required=True, metavar="URL")
    options.add_argument("--token", default=os.environ.get("SARTIQ_TOKEN", ""), metavar="KEY")
    options.add_argument("--task-id", required=True)
    options.add_argument("--epochs", type=int, default=20)
    options.add_argument("--hidden-units", type=int, default=64)
    options.add_argument("--learning-rate", type=float, default=0.02)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--instance", default=platform.node(), help="the name of this machine")
    options.add_argument("--zone", default="local", help="where it stands")
    options.add_argument("--timeout-seconds", type=float, default=5.0, help="for one answer")
    options.add_argument("--patience-seconds", type=float, default=60.0, help="for one event")
    return options


if __name__ == "__main__":
    sys.exit(main())
