"""Each storage call of a scene fails once, or the process dies there: it ends as if nothing had."""

import asyncio
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from farwork.protocol.tasks import TaskCreate
from farwork.storage import tables as t
from tests.simulation.actors import CALLER, Message, Worker, kept
from tests.simulation.faulty import Crash, Kind
from tests.simulation.world import World

TRIES_MAX = 4
MADE = [
    {"id": "first", "queue": "near", "job_id": "j", "labels": {"user": "a"}},
    {"id": "second", "queue": "near", "inputs": ["first"]},
]
REPORTED: dict[str, Any] = {
    "task_id": "outside", "source": "lab", "delivery_id": "d", "state": "failed",
    "occurred_at": "2023-11-14T22:13:20Z", "metadata": {"x": 1},
}  # fmt: skip


def scene(world: World) -> Iterator[Message]:
    """Tasks are made, reported on, claimed and done; sweeps look on."""
    asked, worker = world.outside.key(), Worker(world.outside, "w")
    yield Message(
        "create",
        lambda server: server.tasks.create(
            CALLER, msgspec.convert(MADE, list[TaskCreate]), kept(asked)
        ),
        lambda answer: world.outside.noted(answer.outcomes),
    )
    yield world.reporter.report([REPORTED])
    yield worker.claim(2)
    for id_, lease in worker.lay_down():
        yield worker.end(id_, *lease, failed=False, more=True)
    yield Message("sweep", lambda server: server.keepers[0].run_once(world.now()), lambda _: None)


async def play(world: World) -> list[Any]:
    """Play the scene, each message until it is answered; the tasks at its end."""
    for message in scene(world):
        for _ in range(TRIES_MAX):
            answers = world.answered
            try:
                await world.now_and_whole(message)
            except Crash:
                await world.crash()
            if world.answered > answers:
                break
        else:
            raise AssertionError(f"no answer to {message.name}")
    c = t.tasks.c
    columns = (c.id, c.state, c.attempt, c.lease_seq, c.worker, c.has_result, c.version)
    with world.store.reader_engine.connect() as connection:
        found = list(connection.execute(select(*columns).order_by(c.id)).all())
    world.record.check(world.store.reader_engine)
    world.close()
    return found


def played(template: Path, call: int, kind: Kind) -> tuple[list[Any], bool]:
    """The tasks at the end, when that call is spoilt; whether it ever came."""
    with TemporaryDirectory(dir=template.parent) as name:
        world = World(call, template, Path(name))
        world.is_checked_often = False
        world.faults.arm(call, kind)
        found = asyncio.run(play(world))
        return found, world.faults.spoilt


# By turns: each of them at each call takes three times as long, and finds nothing else.
KINDS = (Kind.DISK, Kind.CRASH_BEFORE, Kind.REFUSED)


@pytest.mark.timeout(120)
def test_wherever_it_fails_it_is_got_over(template: Path) -> None:
    whole, _ = played(template, 10**9, Kind.DISK)
    calls = 0
    for call in count(1):
        kind = KINDS[call % len(KINDS)]
        found, came = played(template, call, kind)
        if not came:
            break
        calls += 1
        assert found == whole, f"{kind} at call {call}"
    assert calls > 50
