"""Several processes write, one is killed and comes back: no subscriber misses anything."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count, islice
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from farwork.sdk._frames import Frames
from tests.support.postgres import Databases
from tests.support.server import NO_CERTIFICATES, Server, free_port, serving

WRITERS = 3
REPORTS_EACH = 30
SUBSCRIBERS = 4
LAST = "the-last"
LEFT_MAX = 40
# What a writer does: reports on tasks of its own and on those of all, until each is acknowledged.
WRITER = """
import sys, httpx
number, reports, *urls = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
client = httpx.Client(timeout=5, verify=False, trust_env=False)
for n in range(reports):
    own = {"task_id": f"{number}-{n}", "state": "running"}
    shared = {"task_id": f"all-{n % 7}", "progress": n % 100}
    for said in (own, shared):
        said |= {"delivery_id": f"{number}-{n}", "source": "writer"}
        tried = number + n
        while True:
            try:
                client.post(f"{urls[tried % 2]}/v1/reports", json=said).raise_for_status()
                break
            except httpx.HTTPError:
                tried += 1
"""


CLIENT = httpx.Client(timeout=20, verify=NO_CERTIFICATES, trust_env=False)


class Reader:
    """A subscriber that is cut off at random, and comes back at random to either process."""

    def __init__(self, seed: int, urls: list[str]) -> None:
        self._dice = seed + 1
        self._urls = urls
        self.seen: list[int] = []
        self.cut_off = 0
        self._place = "0"
        self._client = CLIENT

    def follow(self) -> list[int]:
        """The positions of all that it saw, when it has seen the last event."""
        for self.cut_off in count():
            url, left = self._urls[self._thrown(2)], 1 + self._thrown(LEFT_MAX)
            headers = {"Last-Event-ID": self._place}
            try:
                with self._client.stream("GET", f"{url}/v1/feed/stream", headers=headers) as answer:
                    for said in islice(self._events(answer), left):
                        if said["task_id"] == LAST:
                            return self.seen
            except httpx.TransportError:
                Event().wait(0.05)
        raise AssertionError

    def _events(self, answer: httpx.Response) -> Iterator[dict[str, Any]]:
        frames = Frames()
        for piece in answer.iter_bytes():
            for frame in frames.take(piece):
                assert frame.name != "reset", frame.data
                self._place = frame.id or self._place
                if frame.data and frame.name != "dropped":
                    said = json.loads(frame.data)
                    self.seen.append(said["id"])
                    yield said

    def _thrown(self, sides: int) -> int:
        """A die of our own: a run repeats from its seed."""
        self._dice = self._dice * 48_271 % (2**31 - 1)
        return self._dice % sides


def log_of(url: str) -> list[int]:
    found: list[int] = []
    after = 0
    while True:
        page: Any = CLIENT.get(f"{url}/v1/feed", params={"after": after, "limit": 500}).json()
        found += [event["id"] for event in page["items"]]
        if not page["items"]:
            return found
        after = page["next_after"]


@pytest.mark.timeout(120)
def test_nothing_is_missed_or_doubled_across_processes_and_a_crash(
    postgres_databases: Databases, tmp_path: Path
) -> None:
    port = str(free_port())
    with postgres_databases.fresh() as url, ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        options = ("--auth", "off")
        steady = stack.enter_context(serving(url, tmp_path, *options))
        with serving(url, tmp_path, *options, listen=port) as doomed:
            urls = [steady.url, doomed.url]
            readers = [Reader(seed, urls) for seed in range(SUBSCRIBERS)]
            following = [pool.submit(reader.follow) for reader in readers]
            writing = [stack.enter_context(writer(number, urls)) for number in range(WRITERS)]
            wait_for(readers, 25)
            kill(doomed)
        stack.enter_context(serving(url, tmp_path, *options, listen=port))
        for process in writing:
            assert process.wait(60) == 0
        CLIENT.post(f"{steady.url}/v1/tasks", json={"id": LAST}).raise_for_status()
        seen = [one.result(60) for one in following]
        whole = log_of(steady.url)
    assert len(whole) > 2 * WRITERS * REPORTS_EACH
    assert whole == sorted(set(whole))
    for found in seen:
        assert found == whole
    assert min(reader.cut_off for reader in readers) > 1


def writer(number: int, urls: list[str]) -> "subprocess.Popen[bytes]":
    arguments = [str(number), str(REPORTS_EACH), *urls]
    return subprocess.Popen([sys.executable, "-c", WRITER, *arguments])


def wait_for(readers: list[Reader], events: int) -> None:
    """Until each has seen so many events: then all is under way."""
    pause = Event()
    while min(len(reader.seen) for reader in readers) < events:
        pause.wait(0.02)


def kill(server: Server) -> None:
    """End a server, and the processes that answer for it, without a word."""
    children = Path(f"/proc/{server.process}/task/{server.process}/children").read_text().split()
    for process in [*children, str(server.process)]:
        os.kill(int(process), signal.SIGKILL)
