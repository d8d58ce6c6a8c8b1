"""The gateway's words: what its clients send, and what they get."""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

Json = Any
Status = Literal["pending", "running", "success", "failed", "cancelled"]
STATUSES: tuple[Status, ...] = ("pending", "running", "success", "failed", "cancelled")

REDACTED = "[REDACTED]"
SECRET_WORDS = ("token", "key", "secret", "password", "passwd", "credential", "proxy", "auth")

SHOTS = 1000
"""What the gateway says of a task that was stored without its shots."""

LIMIT = 100
HOURS = 72


class Row(Struct):
    """A task in a list. The last three fields are ours; the gateway's clients pass over them."""

    task_id: str
    backend: str
    status: Status
    shots: int
    submit_time: str
    update_time: str
    has_result: bool
    metadata: dict[str, Json]
    archived_at: str | None
    error_message: str | None
    shard_count: int
    progress: float


class Full(Struct):
    """A task by itself."""

    task_id: str
    backend: str
    status: Status
    shots: int
    submit_time: str
    update_time: str
    result: Json
    metadata: dict[str, Json]
    archived_at: str | None
    error_message: str | None
    shard_count: int
    progress: float


class PageTail(Struct):
    """What stands behind the tasks of a list."""

    total: int
    limit: int
    offset: int


class ArchiveTail(Struct):
    """What stands behind the tasks of the archive; `count` is its size before any filter."""

    total: int
    count: int
    limit: int
    offset: int


class Counts(Struct):
    """How many active tasks have each status; the sum."""

    pending: int
    running: int
    success: int
    failed: int
    cancelled: int
    total: int


class Shard(Struct):
    """One job on the platform."""

    uniqc_task_id: str
    shard_index: int
    platform_task_id: str
    backend: str
    circuit_count: int
    sub_index_offset: int
    status: Status
    error_message: str | None
    submit_time: str
    update_time: str


class Shards(Struct):
    """The shards of a task by index."""

    task_id: str
    shard_count: int
    shards: list[Shard]


class Ids(Struct):
    """The body of a bulk call."""

    task_ids: list[str] = []


class Deleted(Struct):
    """One task is gone."""

    deleted: str


class Archived(Struct):
    """One task is in the archive."""

    archived: str


class Restored(Struct):
    """One task is back."""

    restored: str


class BulkDeleted(Struct):
    """What became of many ids."""

    deleted: list[str]
    missing: list[str]
    count: int


class BulkArchived(Struct):
    """What became of many ids."""

    archived: list[str]
    missing: list[str]
    count: int


class Expired(Struct):
    """What was old enough to be archived, and what was left because it has not ended."""

    archived: list[str]
    count: int
    hours: int
    terminal_only: bool
    skipped_running: list[str]


class Health(Struct):
    """The server answers."""

    status: str


class Version(Struct):
    """What answers."""

    version: str
    github_url: str
    docs_url: str


class Topology(Struct):
    """Which qubits touch."""

    nodes: list[Json]
    edges: list[Json]
    has_connectivity: bool


class Fidelity(Struct):
    """How good a chip is on average."""

    avg_1q: float | None = None
    avg_2q: float | None = None
    avg_readout: float | None = None


class Coherence(Struct):
    """How long a chip keeps its state."""

    t1: float | None = None
    t2: float | None = None


class Calibration(Struct):
    """When a chip was measured last."""

    available: bool
    calibrated_at: str | None
    cache_age_seconds: float | None
    cache_stale: bool | None
    source: str


class Backend(Struct, kw_only=True):
    """A place that runs tasks."""

    id: str
    name: str
    platform: str
    num_qubits: int
    status: str
    status_kind: str
    available: bool
    cache_stale: bool
    is_simulator: bool
    is_hardware: bool
    topology: Topology
    fidelity: Fidelity
    coherence: Coherence
    queue_size: int | None
    supported_gates: list[str]
    calibration: Calibration
    description: str
    extra: dict[str, Json]


class Refreshed(Struct):
    """How many backends of each platform are known."""

    updated: dict[str, int]
    warnings: list[str]
    total: int


class Moved(Struct):
    """A task came into another state."""

    task_id: str
    status: Status


class Event(Struct):
    """A frame of the websocket."""

    type: str
    payload: Moved


class Refusal(Struct):
    """Why a request was not carried out."""

    detail: str


class Flaw(Struct, omit_defaults=True):
    """One thing that is wrong with a request: where, and what was found there."""

    type: str
    loc: list[str | int]
    msg: str
    input: Json
    ctx: dict[str, Json] | UnsetType = UNSET


class Flaws(Struct):
    """Everything that is wrong with a request."""

    detail: list[Flaw]


CircuitFormat = Literal["source", "compiled", "executed"]
CIRCUIT_FORMATS: tuple[CircuitFormat, ...] = ("source", "compiled", "executed")
CIRCUIT_KEYS: dict[CircuitFormat, tuple[str, ...]] = {
    "source": (
        "circuit_ir", "source_circuit_ir", "submitted_circuit_ir", "originir", "origin_ir", "qasm",
        "openqasm", "circuit", "source_circuit", "submitted_circuit",
    ),
    "compiled": (
        "compiled_circuit_ir", "compiled_originir", "compiled_origin_ir", "compiled_qasm",
        "transpiled_qasm", "compiled_circuit", "transpiled_circuit",
    ),
    "executed": (
        "executed_circuit_ir", "execution_circuit_ir", "scheduled_circuit_ir", "executed_originir",
        "executed_qasm", "executed_circuit", "scheduled_circuit",
    ),
}  # fmt: skip
"""Where adapters keep the text of a circuit, the likeliest first."""
