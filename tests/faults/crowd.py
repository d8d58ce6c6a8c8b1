"""A crowd of programs that report on tasks as fast as they can, and remember every answer."""

import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
from sqlalchemy import Connection, select

from farwork.storage import tables as t
from farwork.storage.engine import open_engine
from farwork.storage.json import decode_text
from tests.storage.recount import counted, recounted
from tests.support.server import Server
from tests.support.waiting import until

PROGRAMS = 6
TASKS_SHARED = 30
BATCH = 20
PROJECT = "default"
OK = 200
UNAVAILABLE = 503


@dataclass
class Crowd:
    """What the programs were told."""

    acknowledged: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """The event and the delivery id of every report that was answered."""

    batches: list[list[str]] = field(default_factory=list[list[str]])
    """The delivery ids of every batch that was sent, answered or not."""

    answers: Counter[int] = field(default_factory=Counter[int])
    odd: list[str] = field(default_factory=list[str])
    unanswered: int = 0
    _numbers: "count[int]" = field(default_factory=count)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def reporting(self, server: Server, key: str) -> Generator["Crowd"]:
        """The crowd at work, until the end of the context."""
        self._over.clear()
        threads = [
            threading.Thread(target=self._program, args=(server, key, n)) for n in range(PROGRAMS)
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in threads:
                thread.join(60)

    def until_answered(self, status: int, times: int, seconds: float = 30) -> None:
        """Wait until so many more requests have had this answer."""
        wanted = self.answers[status] + times
        until(
            lambda: self.answers[status] >= wanted,
            f"{times} more answers {status}; so far {dict(self.answers)}, {self.odd[:3]}",
            seconds,
        )

    def _program(self, server: Server, key: str, number: int) -> None:
        with server.client(key) as client:
            while not self._over.is_set():
                reports = self._reports(BATCH if number % 2 else 1)
                try:
                    response = client.post("/v1/reports", json=reports)
                except httpx.TransportError:
                    self.unanswered += 1
                    self._over.wait(0.05)
                    continue
                self._note(response)

    def _reports(self, size: int) -> list[dict[str, Any]]:
        with self._lock:
            numbers = [next(self._numbers) for _ in range(size)]
            self.batches.append([f"d-{n}" for n in numbers])
        return [
            {
                "task_id": f"shared-{n % TASKS_SHARED}" if n % 2 else f"own-{n}",
                "delivery_id": f"d-{n}",
                "source": "crowd",
                "state": "succeeded" if n % 7 == 0 else "running",
                "progress": n % 100,
                "queue": f"queue-{n % 3}",
                "labels": {"n": str(n % 5)},
                "job_id": f"job-{n % 4}",
                "metadata": {f"k{n % 4}": n},
            }
            for n in numbers
        ]

    def _note(self, response: httpx.Response) -> None:
        with self._lock:
            self.answers[response.status_code] += 1
            if response.status_code == OK:
                sent = [one["delivery_id"] for one in _sent(response)]
                events = [item["event_id"] for item in response.json()["items"]]
                self.acknowledged += zip(events, sent, strict=True)
            elif response.status_code != UNAVAILABLE:
                self.odd.append(f"{response.status_code} {response.text}")
            elif "retry-after" not in response.headers:
                self.odd.append(f"503 without Retry-After: {response.text}")


def _sent(response: httpx.Response) -> list[dict[str, Any]]:
    return decode_text(response.request.content.decode())


# What must hold of the record afterwards.


def what_is_wrong_with(database: str, crowd: Crowd) -> dict[str, Any]:
    """Everything that speaks against the record; empty when all is well."""
    engine = open_engine(database, read_only=True)
    with engine.connect() as connection:
        found = _lost(connection, crowd) | _half_there(connection)
        kept, real = counted(connection, PROJECT), recounted(connection, PROJECT)
    engine.dispose()
    if kept != real:
        found["counters"] = (kept, real)
    if crowd.odd:
        found["answers"] = crowd.odd[:5]
    return found


def _lost(connection: Connection, crowd: Crowd) -> dict[str, Any]:
    e = t.events.c
    reports = {
        position: decode_text(fact).get("delivery_id")
        for position, fact in connection.execute(
            select(e.position, e.fact).where(e.type == "task.reported", e.fact.is_not(None))
        )
    }
    lost = [told for told in crowd.acknowledged if reports.get(told[0]) != told[1]]
    there = set(reports.values())
    torn = [
        batch
        for batch in crowd.batches
        if there.intersection(batch) and not there.issuperset(batch)
    ]
    twice = [id_ for id_, times in Counter(reports.values()).items() if id_ and times > 1]
    found = {"lost": lost, "torn batches": torn, "taken twice": twice}
    return {name: cases[:5] for name, cases in found.items() if cases}


def _half_there(connection: Connection) -> dict[str, Any]:
    """Tasks without what is written with them, and the other way round."""
    e = t.events.c
    keys = set(connection.execute(select(t.tasks.c.pk)).scalars())
    with_details = set(connection.execute(select(t.details.c.task_pk)).scalars())
    born = Counter(
        connection.execute(select(e.task_pk).where(e.type == "task.registered")).scalars()
    )
    labelled = set(connection.execute(select(t.labels.c.task_pk)).scalars())
    logged = set(connection.execute(select(e.task_pk)).scalars())
    head = connection.execute(select(t.heads.c.value).where(t.heads.c.name == "feed")).scalar_one()
    last = connection.execute(select(e.position).order_by(e.position.desc()).limit(1)).scalar()
    found = {
        "details": keys ^ with_details,
        "labels": keys ^ labelled,
        "log": keys ^ logged,
        "born": [key for key in keys if born[key] != 1],
        "head": [] if head == (last or 0) else [(head, last)],
    }
    return {name: list(cases)[:5] for name, cases in found.items() if cases}
