"""Sources: whose secret signed, how long that is trusted, and what one request may cost."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from farwork import clock
from farwork.domain.values import Instant
from farwork.service import sources
from farwork.service.access import TRUST_US, Principal, Role, Unauthenticated
from farwork.service.ledger import Ledger
from farwork.service.sources import Source, SourceNotFound, Sources, TooManySources
from farwork.storage.engine import open_engine
from farwork.storage.schema import migrate
from farwork.storage.store import Store

BODY = b'{"task_id": "t"}'
ADMIN = Principal("default", Role.ADMIN, "ada")


@dataclass
class Bench:
    """Two processes of one server, as far as sources are concerned, and their clock."""

    database: str
    at: Instant = field(default_factory=clock.now)
    here: Sources = field(init=False)
    there: Sources = field(init=False)

    def now(self) -> Instant:
        return self.at


@asynccontextmanager
async def opened(database_url: str) -> AsyncGenerator[Bench]:
    engine = open_engine(database_url)
    migrate(engine)
    engine.dispose()
    bench = Bench(database_url)
    store = Store(database_url, bench.now)
    store.open()
    try:
        ledger = Ledger(store)
        bench.here, bench.there = Sources(ledger), Sources(ledger)
        yield bench
    finally:
        await asyncio.to_thread(store.close)


def run(database_url: str, play: Callable[[Bench], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with opened(database_url) as bench:
            await play(bench)

    asyncio.run(whole())


def signature(secret: str, body: bytes = BODY) -> dict[str, str]:
    now = datetime.now(UTC)  # noqa: TID251 - the library judges by the real clock
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", now, body.decode()),
    }


def test_a_signer_is_a_worker_of_its_sources_project(database_url: str) -> None:
    async def play(bench: Bench) -> None:
        _, secret = await bench.here.create(Principal("p", Role.ADMIN, "ada"), "farm")
        assert await bench.here.signer(BODY, signature(secret), None) == Principal(
            "p", Role.WORKER, "source:farm"
        )

    run(database_url, play)


def test_a_new_source_is_known_elsewhere_after_a_second_at_most(database_url: str) -> None:
    async def play(bench: Bench) -> None:
        with pytest.raises(Unauthenticated):
            await bench.there.signer(BODY, {}, None)
        _, secret = await bench.here.create(ADMIN, "farm")
        with pytest.raises(Unauthenticated):
            await bench.there.signer(BODY, signature(secret), None)
        bench.at += TRUST_US
        assert await bench.there.signer(BODY, signature(secret), None)

    run(database_url, play)


def test_a_revoked_source_is_refused_here_at_once_and_elsewhere_after_a_second_at_most(
    database_url: str,
) -> None:
    async def play(bench: Bench) -> None:
        source, secret = await bench.here.create(ADMIN, "farm")
        for process in (bench.here, bench.there):
            assert await process.signer(BODY, signature(secret), source.id)
        await bench.here.revoke(ADMIN, source.id)
        with pytest.raises(Unauthenticated):
            await bench.here.signer(BODY, signature(secret), source.id)
        bench.at += TRUST_US - 1
        assert await bench.there.signer(BODY, signature(secret), source.id)
        bench.at += 1
        with pytest.raises(Unauthenticated):
            await bench.there.signer(BODY, signature(secret), source.id)

    run(database_url, play)


def test_what_is_revoked_while_the_table_is_read_is_not_trusted_on(database_url: str) -> None:
    async def play(bench: Bench) -> None:
        source, secret = await bench.here.create(ADMIN, "farm")
        signing = asyncio.create_task(bench.here.signer(BODY, signature(secret), None))
        await bench.here.revoke(ADMIN, source.id)
        await asyncio.gather(signing, return_exceptions=True)
        with pytest.raises(Unauthenticated):
            await bench.here.signer(BODY, signature(secret), None)

    run(database_url, play)


def test_a_source_is_revoked_once(database_url: str) -> None:
    async def play(bench: Bench) -> None:
        source, _ = await bench.here.create(ADMIN, "farm")
        await bench.here.revoke(ADMIN, source.id)
        for gone in (source.id, "nobody", "\0"):
            with pytest.raises(SourceNotFound):
                await bench.here.revoke(ADMIN, gone)
        ((kept,), after) = await bench.here.page(ADMIN, after="", limit=1)
        assert (kept, after) == (
            Source(source.id, "default", "farm", kept.created_at, bench.at),
            None,
        )

    run(database_url, play)


def test_a_large_body_is_tried_with_the_secrets_that_matched_last(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = b'{"x": "' + b"y" * 1_000 + b'"}'
    monkeypatch.setattr(sources, "HASHED_BYTES_MAX", 2 * len(large))

    async def play(bench: Bench) -> None:
        made = [await bench.here.create(ADMIN, f"rack-{number}") for number in range(4)]
        for _, secret in (made[3], made[2]):
            bench.at += 1
            await bench.here.signer(BODY, signature(secret), None)
        for _, secret in (made[2], made[3]):
            assert await bench.here.signer(large, signature(secret, large), None)
        source, secret = made[0]
        with pytest.raises(Unauthenticated, match=r"Not all could be tried.*\?source=<id>"):
            await bench.here.signer(large, signature(secret, large), None)
        assert await bench.here.signer(large, signature(secret, large), source.id)

    run(sqlite_url, play)


def test_no_text_of_a_source_holds_its_secret(sqlite_url: str) -> None:
    async def play(bench: Bench) -> None:
        source, secret = await bench.here.create(ADMIN, "farm")
        await bench.here.signer(BODY, signature(secret), None)
        kept = vars(bench.here)
        assert "source" in repr(kept).lower()
        assert secret.removeprefix("whsec_") not in repr(kept) + repr(source)
        assert repr(b64decode(secret.removeprefix("whsec_"))) not in repr(kept)

    run(sqlite_url, play)


def test_a_body_that_takes_long_to_hash_is_hashed_beside_the_loop(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "HASHED_ON_LOOP_BYTES_MAX", len(BODY) - 1)

    async def play(bench: Bench) -> None:
        _, secret = await bench.here.create(ADMIN, "farm")
        assert await bench.here.signer(BODY, signature(secret), None)

    run(sqlite_url, play)


def test_no_more_sources_are_made_than_there_may_be(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "SOURCES_LIVE_MAX", 2)

    async def play(bench: Bench) -> None:
        first, _ = await bench.here.create(ADMIN, "one")
        await bench.here.create(ADMIN, "two")
        with pytest.raises(TooManySources):
            await bench.here.create(ADMIN, "three")
        await bench.here.revoke(ADMIN, first.id)
        source, _ = await bench.here.create(ADMIN, "three")
        assert source.name == "three"

    run(database_url, play)


def test_bytes_that_are_no_text_have_no_signature(sqlite_url: str) -> None:
    async def play(bench: Bench) -> None:
        _, secret = await bench.here.create(ADMIN, "farm")
        with pytest.raises(Unauthenticated, match="not UTF-8"):
            await bench.here.signer(b"\xff", signature(secret), None)

    run(sqlite_url, play)
