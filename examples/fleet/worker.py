"""One worker of the fleet, in a process of its own.

Its only task waits for a while. What it begins and what it finishes it writes down in a journal,
which nobody but the judge reads.
"""

import argparse
import os
from pathlib import Path
from typing import Any

from farwork import Client, Worker
from farwork.sdk import Patience
from farwork.worker import Context

QUEUE = "fleet"
KIND = "wait"


class Journal:
    """Lines that are whole even if the process is killed between two of them."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, *words: object) -> None:
        """Add a line: who, and these words."""
        os.write(self._file, f"{os.getpid()} {' '.join(map(str, words))}\n".encode())


def main() -> None:
    """Work until told to stop."""
    options = argparse.ArgumentParser()
    options.add_argument("--server", required=True)
    options.add_argument("--name", required=True)
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--lease", type=float, required=True)
    options.add_argument("--concurrency", type=int, required=True)
    asked = options.parse_args()
    journal = Journal(asked.folder / "journal")
    client = Client(
        asked.server, os.environ["FARWORK_KEY"], timeout_s=5.0, patience=Patience(attempts_max=2)
    )
    worker = Worker(
        [QUEUE],
        client=client,
        name=f"{asked.name}-{os.getpid()}",
        concurrency=asked.concurrency,
        lease_s=asked.lease,
        spool=asked.folder / asked.name,
    )

    @worker.task(KIND, retries=100)
    def wait(ctx: Context, seconds: float) -> dict[str, Any]:
        # It does not ask whether it shall end: what a worker brings home late must be kept.
        ctx.wait(seconds)
        journal.write("finished", ctx.task_id, ctx.attempt)
        return {"task": ctx.task_id, "attempt": ctx.attempt, "by": os.getpid()}

    assert wait.__name__
    worker.run()


if __name__ == "__main__":
    main()
