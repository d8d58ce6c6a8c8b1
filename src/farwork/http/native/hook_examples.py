"""Examples of hooks and deliveries that the OpenAPI document shows."""

from typing import Any

from farwork.http.native import examples

HOOK_ID = "019aa9d1-5b7e-7c11-9d2e-3f2d5a1c0b7a"
HOOK: dict[str, Any] = {
    "id": HOOK_ID,
    "project": "default",
    "name": "results to the archive",
    "url": "https://archive.example.com/farwork",
    "filter": {"kinds": ["train"], "on": "end"},
    "format": "json",
    "task_only": False,
    "has_token": False,
    "state": "active",
    "reason": None,
    "circuit": {
        "state": "closed",
        "failures": 0,
        "failing_since": None,
        "next_try_at": None,
        "last_error": None,
    },
    "position": 1234,
    "old_secret_until": None,
    "creator": "ada",
    "created_at": "2026-11-22T01:58:00Z",
    "updated_at": "2026-11-22T01:58:00Z",
    "version": 1,
}
HOOK_CREATE: dict[str, Any] = {
    "url": HOOK["url"],
    "name": HOOK["name"],
    "filter": {"kinds": ["train"], "on": "end"},
}
TRY: dict[str, Any] = {
    "at": "2026-11-22T02:04:01Z",
    "ok": True,
    "status": 204,
    "latency_ms": 12.5,
    "error": None,
    "response": None,
}
DELIVERY: dict[str, Any] = {
    "id": 1234,
    "hook_id": HOOK_ID,
    "webhook_id": f"msg_{HOOK_ID}_1234",
    "type": "task.reported",
    "subject": "run-17",
    "state": "delivered",
    "attempts": 1,
    "next_try_at": None,
    "tries": [TRY],
    "event": examples.EVENT,
    "created_at": "2026-11-22T02:04:01Z",
    "ended_at": "2026-11-22T02:04:01Z",
}
