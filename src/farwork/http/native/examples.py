"""Examples that the OpenAPI document shows."""

from typing import Any

TASK_CREATE: dict[str, Any] = {
    "id": "run-17",
    "kind": "train",
    "name": "digits, learning rate 0.01",
    "queue": "gpu",
    "labels": {"team": "vision"},
    "params": {"learning_rate": 0.01},
    "job_id": "sweep-3",
}

TASK_SUMMARY: dict[str, Any] = {
    "id": "run-17",
    "project": "default",
    "kind": "train",
    "name": "digits, learning rate 0.01",
    "queue": "gpu",
    "state": "running",
    "reason": None,
    "reported_status": "TRAINING",
    "progress": {"percent": 42.0, "message": "epoch 4"},
    "priority": 0,
    "labels": {"team": "vision"},
    "error": None,
    "external_ref": None,
    "job_id": "sweep-3",
    "inputs": [],
    "on_input_failure": "cancel",
    "attempt": 1,
    "attempts_max": 1,
    "lease": None,
    "limits": {},
    "creator": "ada",
    "origin": {"source": "trainer", "instance": "gpu-7"},
    "created_at": "2026-11-22T01:58:00Z",
    "queued_at": "2026-11-22T01:58:00Z",
    "started_at": "2026-11-22T02:00:00Z",
    "completed_at": None,
    "updated_at": "2026-11-22T02:04:00Z",
    "archived_at": None,
    "version": 7,
    "has_result": False,
    "items_total": None,
    "shards": None,
}

TASK: dict[str, Any] = TASK_SUMMARY | {
    "params": {"learning_rate": 0.01},
    "metadata": {"loss": 0.31, "accuracy": 0.91},
    "extensions": {},
}

TASK_PAGE: dict[str, Any] = {"items": [TASK_SUMMARY], "next_cursor": None}

REPORT: dict[str, Any] = {
    "task_id": "run-17",
    "source": "gpu-7",
    "delivery_id": "d-1",
    "occurred_at": "2026-11-22T02:04:00Z",
    "state": "running",
    "reported_status": "TRAINING",
    "progress": {"percent": 42.0, "message": "epoch 4"},
    "metadata": {"loss": 0.31},
}

VERDICT: dict[str, Any] = {
    "task_id": "run-17",
    "verdict": "applied",
    "reason": None,
    "event_id": 1234,
    "state": "running",
    "version": 7,
}

EVENT: dict[str, Any] = {
    "id": 1234,
    "type": "task.reported",
    "at": "2026-11-22T02:04:00.5Z",
    "task_id": "run-17",
    "job_id": "sweep-3",
    "kind": "train",
    "queue": "gpu",
    "attempt": 1,
    "state": {"from": "queued", "to": "running"},
    "version": 7,
    "actor": "gpu-7",
    "source": "gpu-7",
    "verdict": "applied",
    "reason": None,
    "report": REPORT,
    "data": None,
}

EVENT_PAGE: dict[str, Any] = {"items": [EVENT], "next_after": 1234}

ATTEMPT_LIST: dict[str, Any] = {
    "items": [
        {
            "number": 1,
            "current": True,
            "state": "running",
            "reason": None,
            "progress": {"percent": 42.0, "message": "epoch 4"},
            "error": None,
            "queued_at": "2026-11-22T01:58:00Z",
            "started_at": "2026-11-22T02:00:00Z",
            "completed_at": None,
        }
    ]
}

RESULT_PAGE: dict[str, Any] = {
    "items": [
        {
            "id": "019aa9d1-5b7e-7c11-9d2e-3f2d5a1c0b7a",
            "attempt": 1,
            "name": "result",
            "type": None,
            "data": {"accuracy": 0.97},
            "files": [{"name": "model.onnx", "url": "s3://models/run-17.onnx"}],
            "late": False,
            "created_at": "2026-11-22T02:09:00Z",
        }
    ],
    "next_cursor": None,
}

SHARD_PAGE: dict[str, Any] = {
    "items": [
        {
            "index": 0,
            "state": "succeeded",
            "reason": None,
            "external_ref": "job-88",
            "queue": "qpu",
            "item_count": 1,
            "item_offset": 0,
            "error": None,
            "has_result": True,
            "created_at": "2026-11-22T01:58:00Z",
            "updated_at": "2026-11-22T02:04:00Z",
        }
    ],
    "next_cursor": None,
}

GRAPH: dict[str, Any] = {
    "task_id": "merge",
    "nodes": [
        {
            "id": "left",
            "level": -1,
            "known": True,
            "state": "succeeded",
            "kind": "recon",
            "name": None,
            "queue": "gpu",
        },
        {
            "id": "merge",
            "level": 0,
            "known": True,
            "state": "queued",
            "kind": "recon",
            "name": None,
            "queue": "gpu",
        },
    ],
    "edges": [{"from": "left", "to": "merge"}],
    "truncated": False,
}

EXPLANATION: dict[str, Any] = {
    "task_id": "run-17",
    "state": "queued",
    "reason": None,
    "since": "2026-11-22T01:58:00Z",
    "waits_for": "worker",
    "summary": (
        "It waits behind 3 tasks in the queue 'gpu', where 1 task runs. "
        "A worker that claims it moves it, or a report from outside."
    ),
    "can": ["cancel", "archive"],
    "settled_by": None,
    "inputs_open": [],
    "inputs_open_count": 0,
    "place": {"queue": "gpu", "ahead": 3, "ahead_is_exact": True, "running": 1},
    "shards_open": 0,
    "likely_start": {
        "at": "2026-11-22T02:01:00Z",
        "at_latest": "2026-11-22T02:07:00Z",
        "samples": 92,
    },
    "likely_finish": {
        "at": "2026-11-22T02:31:00Z",
        "at_latest": "2026-11-22T03:17:00Z",
        "samples": 92,
    },
    "last_report": None,
    "late_reports": [],
    "archived_at": None,
}

JOB: dict[str, Any] = {
    "id": "sweep-3",
    "project": "default",
    "name": "learning rates",
    "parent_id": None,
    "state": "running",
    "counts": {
        "created": 0,
        "blocked": 0,
        "queued": 1,
        "running": 1,
        "succeeded": 3,
        "failed": 0,
        "cancelled": 0,
    },
    "counts_complete": True,
    "tasks": 5,
    "jobs": 0,
    "labels": {"team": "vision"},
    "metadata": {},
    "creator": "ada",
    "created_at": "2026-11-22T01:58:00Z",
    "updated_at": "2026-11-22T01:58:00Z",
    "version": 1,
}
