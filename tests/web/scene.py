"""A day of work to look at: jobs, inputs, failures, retries, shards, results, late words."""

from datetime import timedelta
from typing import Any

from farwork import clock
from farwork.domain.values import moment
from tests.native.api import Api

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAYAAADED76LAAAAKklEQVR4nGNgYGD4z8DAwMDIwMDwH4pBfEYGBob/"
    "UAwSY2RgYPgPZTMwMgAAp1gEBeqdJ9kAAAAASUVORK5CYII="
)
PASSWORD = "a long way from here"
# Its hooks go to this machine.
SETTINGS = {"hook_targets_allowed": "127.0.0.0/8"}
CURVE = [
    {"epoch": n, "loss": round(1.8 / (n + 1), 4), "accuracy": 1 - 0.6 / (n + 1)} for n in range(12)
]


def play(api: Api) -> None:
    """Make the tasks, and say of them what their workers would."""
    _scan(api)
    _sweep(api)
    _singles(api)
    _staff(api)
    _rules(api)
    _senders(api)
    _listeners(api)


def ago(**span: float) -> str:
    return (moment(clock.now()) - timedelta(**span)).isoformat().replace("+00:00", "Z")


def _scan(api: Api) -> None:
    """A reconstruction: a chain with a fan in the middle, one branch failed."""
    job = api.post(
        "/v1/jobs", {"id": "exam-2041", "name": "Knee, left, T1", "labels": {"scanner": "3T-2"}}
    )
    common: dict[str, Any] = {"job_id": job["id"], "queue": "recon", "labels": {"exam": "2041"}}
    steps: list[dict[str, Any]] = [
        {"id": "acquire-2041", "kind": "acquire", "name": "Acquire k-space", "queue": "scanner-2"},
        {"id": "prewhiten-2041", "kind": "recon", "name": "Prewhiten", "inputs": ["acquire-2041"]},
        {"id": "coil-map-2041", "kind": "recon", "name": "Coil maps", "inputs": ["prewhiten-2041"]},
        {"id": "grappa-2041", "kind": "recon", "name": "GRAPPA", "inputs": ["prewhiten-2041"]},
        {
            "id": "combine-2041",
            "kind": "recon",
            "name": "Combine coils",
            "inputs": ["coil-map-2041", "grappa-2041"],
        },
        {"id": "report-2041", "kind": "report", "name": "Report", "inputs": ["combine-2041"]},
    ]
    api.post("/v1/tasks", [common | step for step in steps])
    for task, at in (("acquire-2041", 42), ("prewhiten-2041", 30), ("coil-map-2041", 21)):
        said = {"source": "scanner-2", "queue": "recon"}
        del said["queue"]
        api.report(task, state="running", occurred_at=ago(minutes=at), **said)
        api.report(
            task, progress=40, message="half of the slices", occurred_at=ago(minutes=at - 4), **said
        )
        api.report(
            task,
            state="succeeded",
            occurred_at=ago(minutes=at - 8),
            results=[
                {"name": "image", "type": "image/png", "data": PIXEL},
                {"name": "norms", "type": "application/json", "data": {"coils": 16, "rms": 0.0231}},
            ],
            **said,
        )
    api.report(
        "grappa-2041", state="running", progress=62, message="kernel 5 of 8", source="recon-1"
    )


def _sweep(api: Api) -> None:
    """A training sweep: a curve as a result, an attempt that ran out of memory, big numbers."""
    api.post("/v1/jobs", {"id": "sweep-7", "name": "Learning rates"})
    tasks = [
        {
            "id": f"train-{n:02}",
            "kind": "train",
            "name": f"lr = {10**-n:g}" if n < 5 else f"seed {n}",
            "queue": "gpu",
            "job_id": "sweep-7",
            "labels": {"team": "vision", "model": "resnet18"},
            "params": {
                "lr": 10**-n,
                "seed": 18446744073709551615,
                "batch": 128,
                "augment": {"flip": True},
            },
            "metadata": {"commit": "1f2d9c0", "dataset": "cifar10@v3"},
            "priority": n % 3,
        }
        for n in range(1, 15)
    ]
    api.post("/v1/tasks", tasks)
    for n in range(1, 6):
        api.report(
            f"train-{n:02}", state="running", occurred_at=ago(minutes=50 - n), source="gpu-h100"
        )
        api.report(
            f"train-{n:02}",
            state="succeeded",
            occurred_at=ago(minutes=20 - n),
            source="gpu-h100",
            results=[
                {"name": "curve", "type": "application/json", "data": CURVE},
                {
                    "name": "weights",
                    "files": [
                        {"name": "best.pt", "uri": "s3://runs/7/best.pt", "bytes": 44_812_390}
                    ],
                },
            ],
        )
    out_of_memory = {
        "category": "resources",
        "message": "CUDA out of memory: tried to allocate 2.50 GiB (80.00 GiB total)",
        "details": {
            "exit": 137,
            "trace": "train.py:118 in step\n  loss.backward()\ntorch.OutOfMemoryError",
        },
    }
    for n in (6, 7, 8):
        api.report(f"train-{n:02}", state="running", occurred_at=ago(minutes=14), source="gpu-h100")
        api.report(
            f"train-{n:02}",
            state="failed",
            error=out_of_memory,
            occurred_at=ago(minutes=9),
            source="gpu-h100",
        )
    api.post("/v1/tasks/train-06/retry", {})
    api.report("train-06", state="running", progress=31, message="epoch 4 of 12", source="gpu-h100")
    for n in (9, 10):
        api.report(f"train-{n:02}", state="running", progress=7.0 * n, source="gpu-h100")


def _singles(api: Api) -> None:
    """What stands alone: shards, a cancelled one, a report that came too late."""
    api.create(
        "shots-88",
        kind="qpu.shots",
        name="Bell pair, 48 circuits",
        queue="ionq-forte",
        policy={"shards_needed": 40},
        shards=[{"index": n, "item_count": 1, "item_offset": n} for n in range(48)],
    )
    for n in range(30):
        state = "failed" if n == 17 else "succeeded"
        api.report("shots-88", shard={"index": n, "state": state, "result": {"00": 498, "11": 502}})
    for n in range(30, 36):
        api.report("shots-88", shard={"index": n, "state": "running"})
    for n in range(1, 13):
        api.create(
            f"scan-{n:03}", kind="malware.scan", queue="sandbox", labels={"case": "INC-1042"}
        )
        api.report(
            f"scan-{n:03}", state="running", source="sandbox-a", occurred_at=ago(minutes=30 - n)
        )
        if n < 9:
            api.report(
                f"scan-{n:03}", state="succeeded", source="sandbox-a", result={"verdict": "benign"}
            )
    api.post("/v1/tasks/scan-009/cancel", {"reason": "superseded by INC-1043"})
    api.report("scan-009", state="succeeded", source="sandbox-a", result={"verdict": "malicious"})
    old = [f"old-{n}" for n in range(6)]
    api.create(*old, kind="malware.scan", queue="sandbox")
    for task in old:
        api.report(task, state="succeeded", source="sandbox-a")
        api.post(f"/v1/tasks/{task}/archive", {})
    api.create("draft-1", kind="train", name="Not sent yet", queue="gpu", submit=False)


def _staff(api: Api) -> None:
    """A worker that holds a task, a paused queue, people and programs, and an operation."""
    api.post("/v1/claims", {"worker": "gpu-h100-3", "queues": ["gpu"], "max": 1})
    api.ask("PATCH", "/v1/queues/sandbox", {"state": "paused", "comment": "snapshot broken"})
    api.post("/v1/users", {"name": f"ada-{api.project}", "role": "operator", "password": PASSWORD})
    api.post("/v1/keys", {"role": "worker", "name": "gpu-h100"})
    api.post("/v1/bulk?wait=5", {"verb": "archive", "filter": {"kind": ["acquire"]}})


def _rules(api: Api) -> None:
    """How long what ended is kept, and a task that nobody may delete."""
    day = 86_400
    for rule in (
        {"archive_after_seconds": 30 * day, "delete_after_seconds": 365 * day},
        {"kind": "malware.scan", "delete_after_seconds": "never", "legal_hold": "INC-1042"},
        {"kind": "train", "state": "failed", "delete_after_seconds": 7 * day},
    ):
        api.ask("PUT", "/v1/retention", rule)
    api.post("/v1/tasks/scan-009/hold", {"reason": "evidence in INC-1043"})


def _senders(api: Api) -> None:
    """A pipeline whose webhooks are read by a mapping; of three sendings one is refused."""
    source = api.post("/v1/sources", {"name": "pipeline"})
    mapping = {
        "when": "action == 'completed'",
        "report": {
            "task_id": "run.name",
            "state": {
                "at": "run.conclusion",
                "values": {"success": "succeeded", "failure": "failed"},
                "otherwise": "cancelled",
            },
            "occurred_at": "run.updated_at",
        },
    }
    address = f"/v1/sources/{source['id']}"
    api.ask("PUT", f"{address}/incoming", {"scheme": "bearer", "mapping": mapping})
    run = {"id": 7, "name": "nightly-7", "conclusion": "success", "updated_at": ago(minutes=3)}
    with api.server.client(source["secret"]) as sender:
        for body in (
            {"action": "completed", "run": run},
            {"action": "requested", "run": run},
            {"action": "completed", "run": run | {"name": None, "updated_at": "yesterday"}},
        ):
            sender.post(f"{address}/events", json=body)


def _listeners(api: Api) -> None:
    """A hook that nobody answers, and one whose address is not to be reached."""
    api.post("/v1/hooks", {"url": "https://ops.example.com/farwork", "filter": {"on": "end"}})
    pager = {"name": "pager", "url": "http://127.0.0.1:9/hook", "filter": {"on": "all"}, "after": 0}
    api.post("/v1/hooks", pager)
