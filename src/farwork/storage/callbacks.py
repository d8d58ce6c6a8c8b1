"""Callbacks that tasks are created with: each is a hook for one task, kept with it."""

from typing import Any

from sqlalchemy import Connection

from farwork.clock import uuid7
from farwork.domain.commands import CreateTask
from farwork.domain.values import Instant
from farwork.storage import tables as t
from farwork.storage.batch import Step


def keep(connection: Connection, steps: list[Step], now: Instant) -> None:
    """Write the callbacks of the tasks that these steps created."""
    rows: list[dict[str, Any]] = []
    for step in steps:
        command, task = step.command, step.decision.task
        if not isinstance(command, CreateTask) or command.callback is None or task is None:
            continue
        wanted = command.callback
        rows.append(
            {
                "id": uuid7(now),
                "project": task.project,
                "url": wanted.url,
                "format": wanted.format,
                "wanted": wanted.wanted,
                "secret": wanted.secret,
                "token": wanted.token,
                "task_pk": task.pk,
                "state": "active",
                "position": 0,
                "failures": 0,
                "creator": command.actor,
                "created_at": now,
                "updated_at": now,
                "version": 1,
            }
        )
    if rows:
        connection.execute(t.hooks.insert(), rows)
