"""What seeds have shown of leases, step by step."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest

from farwork.domain.task import Task
from farwork.protocol.leases import Beat, HeartbeatIn, HeartbeatOut, LeaseOut
from farwork.protocol.tasks import TaskCreate
from tests.simulation.actors import CALLER, LEASE_S, Message, Server, Worker
from tests.simulation.world import World

Ask = Callable[[Server], Awaitable[Any]]
MADE = {"id": "t", "queue": "near", "attempts_max": 3}


@pytest.fixture
def world(template: Path) -> Iterator[World]:
    with TemporaryDirectory(dir=template.parent) as name:
        yield World(1, template, Path(name))


def beat(server: Server) -> Awaitable[HeartbeatOut]:
    said = HeartbeatIn("w", [Beat(task_id="t", lease_seq=1, attempt=1)], LEASE_S)
    return server.leases.heartbeat(CALLER, said)


class Scene:
    """A task whose worker was silent for a second too long."""

    task: Task
    said: LeaseOut

    def __init__(self, world: World) -> None:
        self.world = world

    async def begin(self, grace_s: int) -> None:
        policy = {"grace_seconds": grace_s, "retry": {"backoff_seconds": 0}}
        made = [MADE | {"policy": policy}]
        await self.whole(
            lambda server: server.tasks.create(CALLER, msgspec.convert(made, list[TaskCreate]))
        )
        await self.world.now_and_whole(Worker(self.world.outside, "w").claim(1))
        self.world.pass_time(LEASE_S + 1)
        # It is noted that the worker is there, which takes a write of its own.
        await self.whole(lambda server: server.leases.heartbeat(CALLER, HeartbeatIn("w")))

    async def whole(self, ask: Ask) -> None:
        await self.world.now_and_whole(Message("", ask, self._hear))

    def _hear(self, answer: Any) -> None:
        if isinstance(answer, HeartbeatOut) and answer.items:
            self.said = answer.items[0]

    async def look(self) -> None:
        async def get(server: Server) -> None:
            self.task = (await server.tasks.get(CALLER, "t"))[0]

        await self.whole(get)

    async def write(self) -> None:
        """Let everything that waits be written in one transaction, and be answered."""
        self.world.store.carry_out_writes()
        await self.world.drain()

    async def hand(self, ask: Ask) -> None:
        """Let a request come as far as its write."""
        self.world.arrive(Message("", ask, self._hear))
        await self.world.settle()
        while self.world.store.reads_waiting:
            self.world.store.carry_out_read(0)
            await self.world.settle()

    async def reap(self) -> None:
        await self.hand(lambda server: server.keepers[0].run_once(self.world.now()))


def scene_of(world: World, play: Callable[[Scene], Awaitable[None]]) -> Scene:
    """The scene after a play."""

    async def whole() -> Scene:
        scene = Scene(world)
        try:
            await play(scene)
            await scene.look()
        finally:
            world.close()
        return scene

    return asyncio.run(whole())


def test_two_sweeps_in_one_transaction_leave_a_worker_its_grace(world: World) -> None:
    async def play(scene: Scene) -> None:
        await scene.begin(grace_s=5)
        await scene.reap()
        await scene.reap()
        await scene.write()

    assert scene_of(world, play).task.reason == "lost"


def test_a_sign_of_life_that_waits_before_a_sweep_counts(world: World) -> None:
    async def play(scene: Scene) -> None:
        await scene.begin(grace_s=0)
        await scene.hand(beat)
        await scene.reap()
        await scene.write()

    scene = scene_of(world, play)
    assert (scene.said.code, scene.task.state, scene.task.reason) == (None, "running", None)


def test_nobody_is_told_to_hold_what_was_given_up_meanwhile(world: World) -> None:
    async def play(scene: Scene) -> None:
        await scene.begin(grace_s=0)
        await scene.reap()
        await scene.reap()
        await scene.hand(beat)
        await scene.write()

    scene = scene_of(world, play)
    assert (scene.said.code, scene.said.expires_at) == ("lease_superseded", None)
    assert scene.task.state == "queued"
