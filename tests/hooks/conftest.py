import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from farwork import clock
from farwork.domain.values import Instant
from farwork.notifications.post import Poster
from farwork.notifications.sender import HookSender
from farwork.protocol.hooks import HookCreate
from farwork.protocol.reports import ReportIn
from farwork.realtime.hub import Hub
from farwork.service.deliveries import Deliveries
from farwork.service.hooks import HookRow, Hooks
from farwork.service.ledger import Ledger
from farwork.service.reports import Reports
from farwork.service.targets import Guard
from farwork.storage import delivery_store, hook_store
from farwork.storage.delivery_store import DeliveryRow
from farwork.storage.engine import open_engine
from farwork.storage.schema import migrate
from farwork.storage.store import Store
from tests.hooks.receiver import SECRET, Receiver, receiving
from tests.support.ledgers import ADMIN

ROUNDS_MAX = 2_000


@dataclass
class Post:
    """A server's post office, its clock in our hand; nothing is sent unless we say so."""

    ledger: Ledger
    store: Store
    at: list[Instant]
    senders: list[HookSender] = field(default_factory=list[HookSender])

    @property
    def sender(self) -> HookSender:
        return self.senders[0]

    def another_sender(self) -> HookSender:
        """A sender of another process, as far as the tables can tell."""
        made = HookSender(self.ledger, Hub(), Poster(Guard(["127.0.0.0/8"])), dice=lambda: 0.0)
        self.senders.append(made)
        return made

    @property
    def hooks(self) -> Hooks:
        return Hooks(self.ledger, Guard(["127.0.0.0/8"]), self.sender)

    @property
    def deliveries(self) -> Deliveries:
        return Deliveries(self.ledger)

    async def hook(self, receiver: Receiver, **said: object) -> HookRow:
        wanted = HookCreate(url=receiver.url, secret=SECRET, **said)  # pyright: ignore[reportArgumentType] - what a test says
        hook, _ = await self.hooks.create(ADMIN, wanted)
        return hook

    async def report(self, task_id: str, **said: object) -> None:
        report = ReportIn(task_id=task_id, **said)  # pyright: ignore[reportArgumentType] - what a test says
        await Reports(self.ledger).take(ADMIN, [report])

    async def work(self, until: Callable[[], bool]) -> None:
        """Let the sender work until something has come about."""
        for _ in range(ROUNDS_MAX):
            await self.sender.run_once()
            if until() and self.sender.is_idle:
                return
            await clock.pause_on_loop(0.005)
        raise AssertionError("it did not come about")

    async def settle(self) -> None:
        """Let the sender work until it has nothing to do at this time."""
        for _ in range(2):
            # It looks for changed hooks now and then only.
            self.pass_time(1)
            await self.work(lambda: True)
            await self.sender.run_once()

    def pass_time(self, seconds: float) -> None:
        self.at[0] += int(seconds * 1_000_000)

    async def row(self, hook: HookRow) -> HookRow:
        return await self.ledger.read(lambda c: hook_store.present(c, hook.project, hook.id))

    async def delivered(self, hook: HookRow) -> list[DeliveryRow]:
        """All deliveries of a hook, oldest first."""
        rows = await self.ledger.read(
            lambda c: delivery_store.page(c, hook.id, states=(), before=2**62, limit=10_000)
        )
        return rows[::-1]


@asynccontextmanager
async def post_office(database_url: str) -> AsyncGenerator[Post]:
    engine = open_engine(database_url)
    migrate(engine)
    engine.dispose()
    at = [clock.now()]

    def now() -> Instant:
        # Time goes on by itself, a little at each look.
        at[0] += 1
        return at[0]

    store = Store(database_url, now)
    store.open()
    post = Post(Ledger(store), store, at)
    post.another_sender()
    try:
        yield post
    finally:
        for sender in post.senders:
            await sender.close()
        await asyncio.to_thread(store.close)


@pytest.fixture
def play(database_url: str) -> Callable[[Callable[[Post], Awaitable[None]]], None]:
    """Plays a scene at a post office on each engine."""

    def run(scene: Callable[[Post], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with post_office(database_url) as post:
                await scene(post)

        asyncio.run(whole())

    return run


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as listening:
        yield listening
