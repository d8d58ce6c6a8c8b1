"""`kill -9` in the middle of heavy ingest: what was acknowledged is there, nothing by halves."""

import os
from pathlib import Path
from signal import SIGKILL

import pytest

from tests.faults.crowd import OK, Crowd, what_is_wrong_with
from tests.support.server import Server, serving
from tests.support.waiting import until

ROUNDS = 3
ANSWERS_EACH = 50


def kill(server: Server) -> None:
    """The process that watches and those that answer, all at once and without a warning."""
    family = [server.process, *children(server.process)]
    for process in family:
        os.kill(process, SIGKILL)
    until(lambda: not any(alive(process) for process in family), "the server is dead")


def children(process: int) -> list[int]:
    return [
        int(pid)
        for path in Path(f"/proc/{process}/task").glob("*/children")
        for pid in path.read_text().split()
    ]


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.timeout(240)
def test_what_was_acknowledged_survives_kill_9(database_url: str, tmp_path: Path) -> None:
    crowd = Crowd()
    for _ in range(ROUNDS):
        with serving(database_url, tmp_path) as server:
            # What the last round left behind, seen after the restart.
            assert what_is_wrong_with(database_url, crowd) == {}
            with crowd.reporting(server, server.key("worker")):
                crowd.until_answered(OK, ANSWERS_EACH)
                kill(server)
    assert what_is_wrong_with(database_url, crowd) == {}
    assert len(crowd.acknowledged) >= ROUNDS * ANSWERS_EACH
