"""What a compute server of that ecosystem does: post one event per change."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from standardwebhooks import Webhook

from tests.support.server import task

WEBHOOK = "/api/v1/tasks/webhook"


def event(task_id: str, **said: Any) -> dict[str, Any]:
    """An event with all that is required."""
    required = {
        "event_type": "training_status_update",
        "task_id": task_id,
        "status": None,
        "progress": 0,
        "task_type": "model_training",
    }
    return required | said


@dataclass
class Sender:
    client: httpx.Client
    task_id: str

    def post(self, **said: Any) -> httpx.Response:
        return self.client.post(WEBHOOK, json=event(self.task_id, **said))

    def verdict(self, **said: Any) -> str:
        response = self.post(**said)
        assert response.status_code == 200, response.text
        word: str = response.json()["verdict"]
        return word

    def task(self) -> dict[str, Any]:
        return task(self.client, self.task_id)


def signed(
    secret: str, body: bytes, *, delivery_id: str = "msg_1", ago: timedelta = timedelta()
) -> dict[str, str]:
    """The headers of a signature, made by the standard's own library."""
    moment = datetime.now(UTC) - ago  # noqa: TID251 - the server judges its age by the real clock
    return {
        "content-type": "application/json",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(delivery_id, moment, body.decode()),
    }


def as_json(said: dict[str, Any]) -> bytes:
    return json.dumps(said).encode()
