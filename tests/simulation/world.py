"""A world in one process, in which everything that may happen is decided by one seed."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from random import Random  # noqa: TID251 - these are the dice that a run repeats from
from typing import Any

from sqlalchemy import select

from farwork import clock
from farwork.domain.errors import DomainError
from farwork.domain.values import FINAL_STATES, Instant, moment
from farwork.service.ledger import Ledger
from farwork.storage import tables as t
from farwork.storage.errors import Overloaded, StorageUnavailable
from tests.simulation.actors import Message, Operator, Outside, Reporter, Server, Worker
from tests.simulation.faulty import Crash, Faults, Kind
from tests.simulation.record import Broken, Record
from tests.simulation.stepped import SteppedStore, copy_as_it_stands

START: Instant = 1_700_000_000_000_000
SECOND = 1_000_000
WORKERS = 3
HOPS = 12
"""So many turns of the event loop at most lie between an answer and what it brings about."""
HEALING_ROUNDS_MAX = 60
FAULT_WITHIN_CALLS = 60
PATIENCE = 10_000


@contextmanager
def dice_of(random: Random) -> Generator[None]:
    """Have the server throw these dice."""
    before, clock.dice = clock.dice, random.random
    try:
        yield
    finally:
        clock.dice = before


class World:
    """Clients, a network that loses, delays, doubles and reorders, and a server that may die."""

    def __init__(self, seed: int, template: Path, folder: Path) -> None:
        self.dice = Random(seed)  # noqa: S311 - nothing is to be secret
        self.trace: list[str] = []
        """What has happened, in short."""
        self.is_checked_often = True
        self.answered = 0
        """How many requests have been answered, but for refusals."""
        self._now = START
        self._folder = folder
        self._lives = 0
        self.faults = Faults()
        self.record = Record()
        self.outside = Outside(self.dice, self.record, self.now)
        self.operator, self.reporter = Operator(self.outside), Reporter(self.outside)
        self.workers = [Worker(self.outside, f"w{n}") for n in range(WORKERS)]
        self._requests: list[Message] = []
        self._answers: list[tuple[Message, Any]] = []
        self._under_way: dict[asyncio.Task[None], str] = {}
        self._stumbled: BaseException | None = None
        self._file = template
        self._next_life()

    def now(self) -> Instant:
        """The time in this world; it only moves when the dice say so."""
        return self._now

    # --- life and death of the server ---

    def _next_file(self) -> Path:
        return self._folder / f"life-{self._lives + 1}.db"

    def _next_life(self) -> None:
        """Start a server on what the one before left behind."""
        file = self._next_file()
        if not file.exists():
            copy_as_it_stands(self._file, file)
        self._lives += 1
        self._file = file
        self.faults.on_crash = lambda: copy_as_it_stands(self._file, self._next_file())
        self.store = SteppedStore(file, self.now, self.faults)
        self.server = Server(Ledger(self.store))

    async def crash(self) -> None:
        """End the server without a warning, and start the next."""
        self.faults.disarm()
        if not self._next_file().exists():
            copy_as_it_stands(self._file, self._next_file())
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await self.settle()
        assert not self._under_way, f"these do not end: {list(self._under_way.values())}"
        self.store.leave()
        self._next_life()

    def close(self) -> None:
        """Let go of everything."""
        self.store.leave()

    # --- one step ---

    async def step(self) -> None:
        """Let one thing happen, and look whether every promise is kept."""
        happen = self.dice.choices(
            [
                self._act, self._deliver, self._answer, self._read, self._write, self._pass_time,
                self._sweep, self._spoil, self.crash,
            ],
            [20, 20, 16, 26, 12, 8, 5, 2, 0.7],
        )[0]  # fmt: skip
        lives = self._lives
        await self._do(happen)
        # Nothing else changes what is in the database, or what has been acknowledged of it.
        if happen == self._write or lives != self._lives:
            self.record.check(self.store.reader_engine)

    async def _do(self, happen: Any) -> None:
        try:
            done = happen()
            if asyncio.iscoroutine(done):
                await done
            await self.settle()
        except Crash:
            self._note("crashes while it writes")
            await self.crash()

    async def settle(self) -> None:
        """Let everything go on that needs neither a read nor a write."""
        for _ in range(HOPS):
            await clock.pause_on_loop(0)
        if self._stumbled is not None:
            # Whatever goes wrong, it has a name; a server would answer anything else with a 500.
            raise self._stumbled

    def _note(self, what: str) -> None:
        self.trace.append(f"{(self._now - START) / SECOND:.3f} {what}")

    def _act(self) -> None:
        actor = self.dice.choice([self.operator, self.reporter, *self.workers, *self.workers])
        self._requests.append(actor.act())

    def _deliver(self) -> None:
        """Let a request arrive: any of those on their way, maybe twice, maybe never."""
        if not self._requests:
            return
        message = self._requests.pop(self.dice.randrange(len(self._requests)))
        chance = self.dice.random()
        if chance < 0.1:
            self._note(f"lost: {message.name}")
            return
        if chance < 0.3:
            self._requests.append(message)
        self.arrive(message)

    def arrive(self, message: Message) -> None:
        """Let the server begin with a request."""
        self._note(message.name)
        task = asyncio.get_running_loop().create_task(self._serve(message))
        self._under_way[task] = message.name
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.pop(task)
        error = None if task.cancelled() else task.exception()
        self._stumbled = self._stumbled or error

    async def _serve(self, message: Message) -> None:
        try:
            answer = await message.ask(self.server)
        except (DomainError, StorageUnavailable, Overloaded) as refusal:
            self._note(f"  {message.name}: {type(refusal).__name__}")
            return
        self._note(f"  {message.name}: answered")
        self.answered += 1
        message.promised(answer)
        self._answers.append((message, answer))

    def _answer(self) -> None:
        """Let an answer arrive, or get lost."""
        if not self._answers:
            return
        message, answer = self._answers.pop(self.dice.randrange(len(self._answers)))
        if self.dice.random() < 0.85:
            message.heard(answer)

    def _read(self) -> None:
        if self.store.reads_waiting:
            self.store.carry_out_read(self.dice.randrange(self.store.reads_waiting))

    def _write(self) -> None:
        self.store.carry_out_writes()

    def _pass_time(self) -> None:
        self.pass_time(self.dice.choice([0.001, 0.5, 2.0, 6.0, 11.0]))

    def pass_time(self, seconds: float) -> None:
        """Let it be later."""
        self._now += round(seconds * SECOND)

    def _sweep(self) -> None:
        keeper = self.dice.choice(self.server.keepers)
        self.arrive(_sweeping(keeper, self._now))

    def _spoil(self) -> None:
        if not self.faults.is_armed:
            calls, kind = self.dice.randint(1, FAULT_WITHIN_CALLS), self.dice.choice(list(Kind))
            self._note(f"{kind} at the {calls}th call from now")
            self.faults.arm(calls, kind)

    # --- the end: nothing hangs for ever ---

    async def heal(self) -> None:
        """Let all go well from now on: every task must come to its end.

        Raises `Broken` if one does not.
        """
        self.faults.disarm()
        self._requests.clear()
        await self.drain()
        healer = Worker(self.outside, "healer")
        for _ in range(HEALING_ROUNDS_MAX):
            self._now += 7 * SECOND
            for keeper in self.server.keepers:
                await self.now_and_whole(_sweeping(keeper, self._now))
            await self.now_and_whole(healer.claim(100))
            for id_, lease in healer.lay_down():
                await self.now_and_whole(healer.end(id_, *lease, failed=False, more=False))
            if not await self._nudge():
                break
        self.record.check(self.store.reader_engine)
        self.record.check_whole_feed(self.store.reader_engine)
        open_ = self._open_tasks()
        if open_:
            raise Broken(f"these hang for ever: {open_}")

    async def _nudge(self) -> bool:
        """Do what only those outside can; whether any task is open."""
        rows = self._open_tasks()
        for id_, state, reason, worker, archived_at in rows:
            if archived_at is not None:
                await self.now_and_whole(self.operator.order("restore", id_))
            elif state == "created":
                await self.now_and_whole(self.operator.order("submit", id_))
            elif state == "blocked" and reason == "upstream":
                await self.now_and_whole(self.operator.order("cancel", id_))
            elif state == "running" and worker is None:
                said = {
                    "task_id": id_, "state": "succeeded", "source": "lab",
                    "delivery_id": f"d{next(self.outside.numbers)}",
                    "occurred_at": moment(self._now),
                }  # fmt: skip
                await self.now_and_whole(self.reporter.report([said]))
        return bool(rows)

    def _open_tasks(self) -> list[Any]:
        c = t.tasks.c
        open_ = select(c.id, c.state, c.reason, c.worker, c.archived_at).where(
            c.state.not_in([state.value for state in FINAL_STATES])
        )
        with self.store.reader_engine.connect() as connection:
            return list(connection.execute(open_).all())

    async def now_and_whole(self, message: Message) -> None:
        """Let a request arrive, and everything come to its end."""
        self.arrive(message)
        await self.drain()

    async def drain(self) -> None:
        """Let everything that is under way come to its end."""
        await self.settle()
        for _ in range(PATIENCE):
            while self.store.reads_waiting:
                self.store.carry_out_read(0)
            self.store.carry_out_writes()
            await self.settle()
            if self.is_checked_often:
                self.record.check(self.store.reader_engine)
            if not self._under_way:
                break
        assert not self._under_way, f"these do not end: {list(self._under_way.values())}"
        for message, answer in self._answers:
            message.heard(answer)
        self._answers.clear()


def _sweeping(keeper: Any, now: Instant) -> Message:
    return Message(
        type(keeper).__name__, lambda _server: keeper.run_once(now), lambda _answer: None
    )


async def live(world: World, steps: int) -> None:
    """Let a world live for so many steps, and then heal. Raises `Broken`."""
    try:
        for _ in range(steps):
            await world.step()
        await world.heal()
    finally:
        world.close()
