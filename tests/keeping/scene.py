"""An installation in which much has happened: whatever hangs on tasks is there."""

from typing import Any

from tests.support.apps import Client
from tests.transfer.test_round_trip import fill as fill_with_tasks

HOOK = {"url": "http://127.0.0.1:9/in"}
ALLOWED = {"hook_targets_allowed": "127.0.0.0/8"}
AGAIN = {"attempts_max": 3, "policy": {"retry": {"backoff_seconds": 0}}}


async def told(client: Client, method: str, path: str, said: Any = None) -> Any:
    response = await client.request(method, f"/v1/{path}", json=said)
    assert response.status_code < 300, f"{path}: {response.text}"
    return response.json() if response.content else None


async def claim(client: Client, *queues: str) -> list[dict[str, Any]]:
    asked = {"worker": "w1", "queues": list(queues), "max": 10, "lease_seconds": 600}
    claimed: list[dict[str, Any]] = (await told(client, "POST", "claims", asked))["items"]
    return claimed


def lease(claimed: dict[str, Any], **said: Any) -> dict[str, Any]:
    names = {"lease_seq": claimed["lease_seq"], "attempt": claimed["attempt"]}
    return {"task_id": claimed["task"]["id"], **names, **said}


async def fill(client: Client) -> None:
    await told(client, "POST", "hooks", HOOK)
    await told(client, "POST", "sources", {"name": "ci"})
    await told(client, "PATCH", "queues/lab", {"running_max": 5, "fair_by": "user"})
    await fill_with_tasks(client)
    await _work(client)
    await _steer(client)


async def _work(client: Client) -> None:
    """Workers claim, tell, fail, hand back, complete, and hold."""
    labels = {"user": "ada"}
    made = [{"id": f"lab-{n}", "queue": "lab", "labels": labels, **AGAIN} for n in range(5)]
    after = {"id": "after", "queue": "lab", "inputs": ["lab-0", "lab-1"]}
    await told(client, "POST", "tasks", [*made, after])
    held = {one["task"]["id"]: one for one in await claim(client, "lab")}
    metadata = {"epoch": 3, "loss": 0.5}
    beaten = lease(held["lab-0"], progress=40.0, metadata=metadata)
    await told(client, "POST", "leases/heartbeat", {"worker": "w1", "leases": [beaten]})
    ended = lease(held["lab-0"], result={"x": 1}, metadata={"loss": 0.25})
    await told(client, "POST", "leases/complete", {"leases": [ended]})
    failed = [lease(held["lab-1"], error={"message": "no"}), lease(held["lab-2"], retryable=False)]
    await told(client, "POST", "leases/fail", {"leases": failed})
    await told(client, "POST", "leases/hand-back", {"leases": [lease(held["lab-3"])]})
    await claim(client, "lab")


async def _steer(client: Client) -> None:
    """Operators change, cancel, archive, restore, delete, and put aside."""
    more = [{"id": f"gone-{n}", "kind": "old"} for n in range(4)]
    await told(client, "POST", "tasks", more)
    await told(client, "PATCH", "tasks/plain", {"labels": {"team": "y"}, "priority": 4})
    await told(client, "PATCH", "tasks/plain", {"metadata": {"note": "kept"}})
    await told(client, "POST", "tasks/wide/cancel", {"reason": "enough"})
    await told(client, "DELETE", "tasks/gone-0")
    some = {"verb": "delete", "ids": ["gone-1", "gone-2"]}
    await told(client, "POST", "bulk?wait=20", some)
    await told(client, "POST", "bulk?wait=20", {"verb": "archive", "ids": ["ended", "gone-3"]})
    await told(client, "POST", "bulk?wait=20", {"verb": "restore", "ids": ["ended"]})
    lines = await client.get("/v1/export?kind=train")
    again = await client.post("/v1/import", json=[{"id": "plain", "state": "running"}])
    assert (lines.status_code, again.status_code) == (200, 200), again.text
