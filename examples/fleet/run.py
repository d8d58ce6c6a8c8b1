"""A fleet of workers that are killed, frozen and cut off, and a record that is right all the same.

    make demo-fleet

Starts a server with a database of its own and ten workers in processes of their own, each behind a
relay. For two minutes one worker after the other is killed with `kill -9` and replaced, frozen, or
cut off from the server, while 2 000 tasks are done. Then the record is judged from outside. Exits
with 0 if it is right, with 1 if it is not.
"""

import argparse
import asyncio
import os
import random  # noqa: TID251 - dice with a seed, so that a run can be repeated
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from examples.fleet.judge import complaints_about, gather
from examples.fleet.relay import Relay
from examples.fleet.worker import KIND, QUEUE
from examples.stage import DemoFailed, Server, Stage, new_key, say, start_server
from farwork import Client
from farwork.sdk import PolicyIn, RetryIn, TaskCreate

CONCURRENCY = 4
ATTEMPTS_MAX = 100
TASKS_AT_ONCE = 500
PATIENCE_S = 90.0
STOP_S = 60.0


@dataclass(frozen=True)
class Plan:
    """How many tasks and workers, and how long they are troubled."""

    tasks: int = 2_000
    workers: int = 10
    seconds: float = 120.0
    longest: float = 4.0
    lease: float = 2.0
    every: float = 1.5
    seed: int = 7


@dataclass
class Member:
    """A worker, the way from it to the server, and until when it is in trouble."""

    name: str
    relay: Relay
    process: "subprocess.Popen[bytes]"
    well_at: float = 0.0
    frozen: bool = False


@dataclass
class Fleet:
    """The workers, and what is done to them."""

    plan: Plan
    folder: Path
    key: str
    members: list[Member] = field(default_factory=list[Member])
    done: Counter[str] = field(default_factory=Counter[str])
    killed: set[int] = field(default_factory=set[int])

    async def open(self, port: int) -> None:
        """Start everybody."""
        for number in range(self.plan.workers):
            relay = Relay(port)
            await relay.open()
            name = f"worker-{number}"
            self.members.append(Member(name, relay, self.start(name, relay)))

    def start(self, name: str, relay: Relay) -> "subprocess.Popen[bytes]":
        """A worker in a process of its own."""
        command = [sys.executable, "-m", "examples.fleet.worker", "--name", name]
        command += ["--server", f"http://127.0.0.1:{relay.port}", "--folder", str(self.folder)]
        command += ["--lease", str(self.plan.lease), "--concurrency", str(CONCURRENCY)]
        mine = {name: value for name, value in os.environ.items() if "FARWORK_" not in name}
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own program
                command, env=mine | {"FARWORK_KEY": self.key}, stdout=log, stderr=log
            )

    def trouble(self, dice: random.Random) -> None:
        """Do something to one that is well."""
        well = [one for one in self.members if one.well_at == 0.0]
        if not well:
            return
        member, what = dice.choice(well), ("killed", "frozen", "cut off")[self.done.total() % 3]
        self.done[what] += 1
        # Some are back before their lease is over, some are given up.
        member.well_at = time.monotonic() + self.plan.lease * dice.uniform(0.3, 3.0)
        if what == "killed":
            member.process.kill()
            member.process.wait()
            self.killed.add(member.process.pid)
        elif what == "frozen":
            member.frozen = True
            member.process.send_signal(signal.SIGSTOP)
        else:
            member.relay.cut()

    def heal(self, *, everybody: bool = False) -> None:
        """Set right whoever has been in trouble for long enough."""
        for member in self.members:
            if member.well_at and (everybody or time.monotonic() > member.well_at):
                member.well_at = 0.0
                member.relay.mend()
                if member.frozen:
                    member.frozen = False
                    member.process.send_signal(signal.SIGCONT)
                if member.process.poll() is not None:
                    member.process = self.start(member.name, member.relay)

    def close(self) -> None:
        """Leave nobody behind."""
        for member in self.members:
            with suppress(ProcessLookupError):
                member.process.kill()
            member.process.wait()
            member.relay.close()

    async def stop(self) -> None:
        """Let everybody deliver what they have, and go."""
        for member in self.members:
            member.process.terminate()
        deadline = time.monotonic() + STOP_S
        while any(member.process.poll() is None for member in self.members):
            if time.monotonic() > deadline:
                raise DemoFailed("a worker does not stop")
            await asyncio.sleep(0.05)  # noqa: TID251 - no signal reaches us from another program


def submit(client: Client, plan: Plan, dice: random.Random) -> list[str]:
    """The tasks, each with its own length."""
    policy = PolicyIn(retry=RetryIn(backoff_seconds=0), grace_seconds=plan.lease / 2)
    ids = [f"task-{number:05}" for number in range(plan.tasks)]
    for first in range(0, plan.tasks, TASKS_AT_ONCE):
        client.create_tasks(
            [
                TaskCreate(
                    id=task_id,
                    kind=KIND,
                    queue=QUEUE,
                    params={"seconds": round(dice.uniform(0.1, plan.longest), 3)},
                    attempts_max=ATTEMPTS_MAX,
                    policy=policy,
                )
                for task_id in ids[first : first + TASKS_AT_ONCE]
            ]
        )
    return ids


async def trouble_until_done(fleet: Fleet, client: Client, dice: random.Random) -> None:
    """Trouble the fleet for as long as was planned, then let it finish."""
    plan = fleet.plan
    # Somebody must be at work before there is something to disturb.
    while not client.count_tasks().counts.get("succeeded"):  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(0.1)  # noqa: TID251 - as below
    began = time.monotonic()
    next_trouble = next_look = began
    while True:
        now = time.monotonic()
        fleet.heal(everybody=now > began + plan.seconds)
        if now > next_trouble and now < began + plan.seconds:
            fleet.trouble(dice)
            next_trouble = now + dice.expovariate(1 / plan.every)
        if now > next_look:
            counts = (await asyncio.to_thread(client.count_tasks)).counts
            left = plan.tasks - counts.get("succeeded", 0) - counts.get("failed", 0)
            say(f"{now - began:5.0f} s  {left:5} left  {dict(fleet.done)}")
            if not left:
                break
            next_look = now + max(0.25, plan.seconds / 12)
        if now > began + plan.seconds + PATIENCE_S:
            raise DemoFailed("the tasks do not come to an end")
        await asyncio.sleep(0.02)  # noqa: TID251 - the world has no signal for what we do to it
    fleet.heal(everybody=True)


async def play(stage: Stage, plan: Plan, folder: Path) -> list[str]:
    """Plays it all; what is wrong in the end."""
    dice = random.Random(plan.seed)  # noqa: S311 - no secret comes of it
    database = f"sqlite:///{folder}/fleet.db"
    server: Server = start_server(stage, database, new_key(stage, "admin", database))
    fleet = Fleet(plan, folder, server.key)
    with Client(server.url, server.key) as client:
        expected = submit(client, plan, dice)
        try:
            await fleet.open(int(server.url.rpartition(":")[2]))
            await trouble_until_done(fleet, client, dice)
            await fleet.stop()
        finally:
            fleet.close()
        found = gather(client, expected, folder, frozenset(fleet.killed))
    tries = sum(attempt for _, attempt in found.ended.values())
    say(f"{len(expected)} tasks in {tries} attempts, {found.late} late results, {dict(fleet.done)}")
    return complaints_about(found)


def plan_from(arguments: list[str] | None) -> Plan:
    """What the command line says."""
    options = argparse.ArgumentParser(description="A fleet of workers under rough treatment.")
    usual = Plan()
    for name in ("tasks", "workers", "seed"):
        options.add_argument(f"--{name}", type=int, default=getattr(usual, name))
    for name in ("seconds", "longest", "lease", "every"):
        options.add_argument(f"--{name}", type=float, default=getattr(usual, name))
    return Plan(**vars(options.parse_args(arguments)))


def main(arguments: list[str] | None = None) -> int:
    """Plays it in a folder of its own."""
    plan = plan_from(arguments)
    with tempfile.TemporaryDirectory(prefix="farwork-fleet-") as folder, ExitStack() as stack:
        stage = Stage(Path(folder), stack)
        try:
            complaints = asyncio.run(play(stage, plan, Path(folder)))
        except DemoFailed as failure:
            complaints = [f"it broke off: {failure}"]
            say(stage.last_words())
    for complaint in complaints:
        say(f"WRONG: {complaint}")
    if not complaints:
        say("Every task ended once, nobody held what another held, and nothing was lost.")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
