"""The worker: runs batches of circuits on a simulator, a shard at a time.

farwork worker examples.quantum.worker:worker
"""

from collections.abc import Sequence

from examples.quantum.circuits import Counts, simulated
from farwork import Worker
from farwork.worker import Context

BACKEND = "stim:tableau"
SHARD_SIZE = 4
"""So many circuits the platform takes at once."""

worker = Worker([BACKEND])


@worker.task("circuits", retries=1)
def run_batch(ctx: Context, circuits: Sequence[str], shots: int, seed: int) -> None:
    """Run what has not been run; the result of the task is what its shards make together."""
    good = {shard.index for shard in ctx.shards() if shard.state == "succeeded"}
    for index, offset in enumerate(range(0, len(circuits), SHARD_SIZE)):
        if index in good:
            continue
        part = circuits[offset : offset + SHARD_SIZE]
        # Whoever tries this part again finds the platform's id, and does not submit it twice.
        noted = ctx.submission("stim", str(index), shard=index)
        job = noted.external_ref or f"job-{noted.token[-12:]}"
        ctx.submission("stim", str(index), shard=index, external_ref=job)
        ctx.shard(index, "running", external_ref=job, item_offset=offset, item_count=len(part))
        _run_shard(ctx, index, part, shots, seed + offset)
        ctx.progress(100 * (offset + len(part)) / len(circuits))
    ctx.check_shards()


def _run_shard(ctx: Context, index: int, part: Sequence[str], shots: int, seed: int) -> None:
    try:
        found = counted(part, shots, seed)
    except ValueError as error:
        # The first line says what is wrong, the others show where.
        ctx.shard(index, "failed", error=str(error).partition("\n")[0])
    else:
        ctx.shard(index, "succeeded", result=found if len(found) > 1 else found[0])


def counted(circuits: Sequence[str], shots: int, seed: int) -> list[Counts]:
    """What was measured in each circuit. Raises `ValueError`."""
    return [simulated(circuit, shots, seed + n) for n, circuit in enumerate(circuits)]
