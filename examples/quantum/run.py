"""Batches of circuits through a worker, as clients of the uniqc gateway see them.

    make demo-quantum

Starts a server with a database of its own and a worker with a simulator, submits three batches, one
of which has a circuit that the simulator refuses, and then compares what the gateway's calls answer
with what the simulator itself says. Exits with 0 if they agree, with 1 if they do not.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from examples.quantum.circuits import LANGUAGE, Batch, batches
from examples.quantum.worker import BACKEND, SHARD_SIZE, counted
from examples.stage import FARWORK, DemoFailed, Server, Stage, new_key, say, start_server
from farwork import Client
from farwork.sdk import TaskCreate

SEED = 7


def submit(client: Client, batch: Batch) -> None:
    """A batch as a task, with what the gateway's web page shows of it."""
    client.create_task(
        TaskCreate(
            id=batch.task_id,
            kind="circuits",
            name=batch.name,
            queue=BACKEND,
            params={"circuits": list(batch.circuits), "shots": batch.shots, "seed": SEED},
            items_total=len(batch.circuits),
            metadata={
                "batch": True,
                "batch_size": len(batch.circuits),
                "circuits": list(batch.circuits),
                "circuit_language": LANGUAGE,
                "task_name": batch.name,
            },
            extensions={"uniqc": {"shots": batch.shots}},
        )
    )


def complaints_about(server: Server, batch: Batch) -> Iterator[str]:
    """What the gateway's calls say of a batch that is not so."""
    full = server.get(f"/api/tasks/{batch.task_id}")
    shards = server.get(f"/api/tasks/{batch.task_id}/shards")
    expected: dict[str, Any] = {
        "backend": BACKEND,
        "status": "failed" if batch.fails else "success",
        "shots": batch.shots,
        "archived_at": None,
        "shard_count": -(-len(batch.circuits) // SHARD_SIZE),
        "result": None if batch.fails else _measured(batch),
    }
    for name, value in expected.items():
        if full[name] != value:
            yield f"{batch.name}: {name} is {full[name]!r}, not {value!r}"
    if shards["shard_count"] != expected["shard_count"]:
        yield f"{batch.name}: {shards['shard_count']} shards"
    covered = [(one["sub_index_offset"], one["circuit_count"]) for one in shards["shards"]]
    if covered != [
        (offset, min(SHARD_SIZE, len(batch.circuits) - offset))
        for offset in range(0, len(batch.circuits), SHARD_SIZE)
    ]:
        yield f"{batch.name}: the shards cover {covered}"
    failed = [one for one in shards["shards"] if one["status"] == "failed"]
    said = "; ".join(f"shard {one['shard_index']}: {one['error_message']}" for one in failed)
    if (full["error_message"] or "") != said or bool(failed) != batch.fails:
        yield f"{batch.name}: the error is {full['error_message']!r}, of the shards {said!r}"


def _measured(batch: Batch) -> list[Any]:
    """What the simulator says itself, circuit by circuit."""
    return [
        counts
        for offset in range(0, len(batch.circuits), SHARD_SIZE)
        for counts in counted(
            batch.circuits[offset : offset + SHARD_SIZE], batch.shots, SEED + offset
        )
    ]


def show(server: Server) -> None:
    """The gateway's list, and the shards of each task."""
    for row in server.get("/api/tasks?limit=100")["tasks"]:
        say(f"{row['task_id'][:12]}  {row['backend']}  {row['status']:<8} {row['shots']} shots")
        for one in server.get(f"/api/tasks/{row['task_id']}/shards")["shards"]:
            first, count = one["sub_index_offset"], one["circuit_count"]
            said = f"circuits {first} to {first + count - 1}"
            error = one["error_message"] or ""
            say(f"    {one['platform_task_id']}  {said:<18} {one['status']:<8} {error}")


def play(stage: Stage, database: str, folder: Path) -> list[str]:
    """Plays it all; what is wrong in the end."""
    key = new_key(stage, "admin", database)
    server = start_server(stage, database, key)
    settings = {"FARWORK_SERVER": server.url, "FARWORK_KEY": key}
    settings["FARWORK_SPOOL"] = str(folder / "spool")
    stage.start("worker", [str(FARWORK), "worker", "examples.quantum.worker:worker"], **settings)
    given = batches()
    with Client(server.url, key) as client:
        for batch in given:
            # The failed batch is tried once more, of which only the failed shard is run again.
            submit(client, batch)
        for batch in given:
            client.wait_for_task(batch.task_id, timeout_s=40)
        again = [one.state for one in client.list_attempts(given[-1].task_id)]
        kept = [one.state for one in client.list_shards(given[-1].task_id)]
    show(server)
    complaints = [one for batch in given for one in complaints_about(server, batch)]
    counts = server.get("/api/tasks/counts")
    if (counts["success"], counts["failed"], counts["total"]) != (2, 1, 3):
        complaints.append(f"the counts are {counts}")
    if again != ["failed", "failed"] or kept != ["succeeded", "failed", "succeeded"]:
        complaints.append(f"the last batch: attempts {again}, shards {kept}")
    return complaints


def main() -> int:
    """Plays it in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="farwork-quantum-") as folder, ExitStack() as stack:
        stage = Stage(Path(folder), stack)
        try:
            complaints = play(stage, f"sqlite:///{folder}/quantum.db", Path(folder))
        except DemoFailed as failure:
            complaints = [f"it broke off: {failure}"]
        if complaints:
            say(stage.last_words())
    for complaint in complaints:
        say(f"WRONG: {complaint}")
    if not complaints:
        say("What the gateway's calls answer is what the simulator says.")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
