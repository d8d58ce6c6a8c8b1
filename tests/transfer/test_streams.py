"""Imports and exports of any length go through a real server in little memory."""

import json
from collections.abc import Iterator
from pathlib import Path

from tests.support.server import Server, serving

NDJSON = {"Content-Type": "application/x-ndjson"}
CIRCUIT = "x" * 8_000
RECORDS = 6_000
LOOKS = 50
# 48 MiB go through; once decoded they would take several times as much.
GROWTH_MIB_MAX = 30


class Memory:
    """What a server's process holds beyond what is in files, looked at now and then."""

    def __init__(self, server: Server) -> None:
        started = Path(f"/proc/{server.process}")
        children = (started / f"task/{server.process}/children").read_text().split()
        self._status = Path(f"/proc/{children[0] if children else server.process}/status")
        self.first = self.most = self.now()

    def now(self) -> float:
        lines = self._status.read_text().splitlines()
        (held,) = [line.split()[1] for line in lines if line.startswith("RssAnon")]
        return int(held) / 1024

    def look(self) -> None:
        self.most = max(self.most, self.now())

    @property
    def growth(self) -> float:
        return self.most - self.first


def records(memory: Memory, *, distinct: int) -> Iterator[bytes]:
    for number in range(RECORDS):
        if number % (RECORDS // LOOKS) == 0:
            memory.look()
        record = {"id": f"t{number % distinct}", "metadata": {"circuit": CIRCUIT}}
        yield json.dumps(record).encode() + b"\n"


def test_an_import_longer_than_a_body_may_be_takes_little_memory(
    sqlite_url: str, tmp_path: Path
) -> None:
    with serving(sqlite_url, tmp_path) as server, server.client(server.key()) as client:
        assert client.post("/v1/import", json=[{"id": "first"}]).json()["created"] == 1
        memory = Memory(server)

        content = records(memory, distinct=100)
        response = client.post("/v1/import", content=content, headers=NDJSON, timeout=120)

        taken = response.json()
        assert (taken["created"], taken["replaced"]) == (100, RECORDS - 100)
        assert memory.growth < GROWTH_MIB_MAX


def test_an_export_takes_little_memory_however_much_it_gives(
    sqlite_url: str, tmp_path: Path
) -> None:
    with serving(sqlite_url, tmp_path) as server, server.client(server.key()) as client:
        content = records(Memory(server), distinct=RECORDS)
        client.post("/v1/import", content=content, headers=NDJSON, timeout=120)
        memory = Memory(server)

        with client.stream("GET", "/v1/export") as response:
            lines = 0
            for line in response.iter_lines():
                lines += 1
                if lines % (RECORDS // LOOKS) == 0:
                    memory.look()
                    assert json.loads(line)["metadata"] == {"circuit": CIRCUIT}

        assert lines == RECORDS
        assert memory.growth < GROWTH_MIB_MAX
