"""Examples of the calls of workers, that the OpenAPI document shows."""

from typing import Any

from farwork.http.native.examples import TASK

CLAIM: dict[str, Any] = {
    "worker": "gpu-7-4711",
    "queues": ["gpu", {"name": "night", "weight": 0.5}],
    "max": 1,
    "lease_seconds": 30,
    "labels": {"memory": "80g"},
    "wait": 30,
}
_LEASE: dict[str, Any] = {"task_id": "run-17", "lease_seq": 1, "attempt": 1}
CLAIMED: dict[str, Any] = {
    "items": [
        {
            "task": TASK,
            "lease_seq": 1,
            "attempt": 1,
            "expires_at": "2026-11-22T02:00:30Z",
            "inputs": [],
        }
    ]
}
HEARTBEAT: dict[str, Any] = {
    "worker": "gpu-7-4711",
    "leases": [{**_LEASE, "progress": {"percent": 42.0, "message": "epoch 4"}}],
    "lease_seconds": 30,
}
HEARTBEAT_ANSWER: dict[str, Any] = {
    "items": [
        {
            "task_id": "run-17",
            "lease_seq": 1,
            "verdict": "applied",
            "state": "running",
            "attempt": 1,
            "expires_at": "2026-11-22T02:00:40Z",
        }
    ],
    "worker_state": "active",
    "interval_seconds": 10.0,
}
COMPLETE: dict[str, Any] = {
    "leases": [{**_LEASE, "result": {"accuracy": 0.97}}],
    "claim": {"worker": "gpu-7-4711", "queues": ["gpu"]},
}
COMPLETED: dict[str, Any] = {
    "items": [
        {
            "task_id": "run-17",
            "lease_seq": 1,
            "verdict": "applied",
            "state": "succeeded",
            "attempt": 1,
        }
    ]
}
FAIL: dict[str, Any] = {
    "leases": [{**_LEASE, "error": {"category": "oom", "message": "out of memory"}}]
}
FAILED: dict[str, Any] = {
    "items": [
        {
            "task_id": "run-17",
            "lease_seq": 1,
            "verdict": "applied",
            "state": "queued",
            "attempt": 2,
        }
    ]
}
HAND_BACK: dict[str, Any] = {"leases": [_LEASE]}
HANDED_BACK: dict[str, Any] = {
    "items": [{"task_id": "run-17", "lease_seq": 1, "state": "queued", "attempt": 2}]
}
