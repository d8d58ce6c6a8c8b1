"""Argus's words: what its clients send, and what they get."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Json = Any
PREFIX = "/sampledb/v2"

JobState = Literal["enqueued", "executing", "done", "timeout"]
JOB_STATES: tuple[JobState, ...] = ("enqueued", "executing", "done", "timeout")
TaskState = Literal["enqueued", "executing", "success", "failed", "cancelled", "timeout"]
AddedState = Literal["enqueued", "executing", "success", "failed", "cancelled"]
PutState = Literal["executing", "success", "failed", "cancelled"]
OPERATION_STATES = ("pending", "running", "waitingForSubtasks", "done", "failed", "aborted")

JOB_ORDERS = ("enqueuedTimestamp", "state", "startTimestamp", "endTimestamp")
TASK_ORDERS = ("worker", *JOB_ORDERS)
WORKER_ORDERS = ("shortName", "createdTimestamp", "lastUpdatedTimestamp", "deletedTimestamp")
TIME_FIELDS = ("enqueuedTimestamp", "startTimestamp", "endTimestamp", "all")
LANGUAGES = ("english", "norwegian")

LIMIT = 25
MESSAGE_LENGTH_MAX = 10_000
INT32_MAX = 2**31 - 1

WorkerName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        pattern=r"^[a-zA-Z0-9_:\-\.]*$",
        extra={"rule": "must have letters, digits, and _ : - . only"},
    ),
]
Uuid = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        extra={"rule": "must be a UUID"},
    ),
]
Sha256 = Annotated[
    str,
    Meta(pattern=r"^[0-9a-fA-F]{64}$", extra={"rule": "must be a SHA-256 of 64 hex digits"}),
]
Message = Annotated[str, Meta(max_length=MESSAGE_LENGTH_MAX)]
Page = Annotated[int, Meta(ge=0, le=INT32_MAX)]
TimeField = Literal["enqueuedTimestamp", "startTimestamp", "endTimestamp", "all"]
JobOrder = Literal[
    "enqueuedTimestamp", "state", "startTimestamp", "endTimestamp",
    "-enqueuedTimestamp", "-state", "-startTimestamp", "-endTimestamp",
]  # fmt: skip
OperationState = Literal["pending", "running", "waitingForSubtasks", "done", "failed", "aborted"]

# --- what is sent ---


class TaskAdd(Struct, kw_only=True):
    """A task to add; `analyzerName` is what clients before 3.15 say."""

    worker: WorkerName | UnsetType = UNSET
    analyzerName: WorkerName | UnsetType = UNSET
    state: AddedState = "enqueued"


class TaskPut(Struct, kw_only=True):
    """What became of a task; `analysisID` is what clients before 3.18 say."""

    state: PutState
    analyses: list[Uuid] | Uuid | None = None
    analysisID: Uuid | None = None
    message: Message | None = None


class JobSearch(Struct, kw_only=True):
    """Which jobs are looked for: all of this, and of each field any."""

    state: list[JobState] = []
    sampleSha256: list[Sha256] = []
    customer: list[str | int] = []
    startTimestamp: int | str | None = None
    endTimestamp: int | str | None = None
    timeFieldStrategy: list[TimeField] = []
    timeMatchStrategy: Literal["any", "all"] = "any"
    limit: Page = LIMIT
    offset: Page = 0
    sortBy: list[JobOrder] = []


class WorkerAdd(Struct, kw_only=True):
    """A worker to register; older clients say nothing of `localizedDescriptions`."""

    shortName: WorkerName
    localizedNames: dict[str, Message]
    localizedDescriptions: dict[str, Message] = {}
    schema: Json = None


class WorkerPut(Struct, kw_only=True):
    """What a worker says of itself from now on; what is left out stays."""

    shortName: WorkerName | None = None
    localizedNames: dict[str, Message] | None = None
    localizedDescriptions: dict[str, Message] | None = None
    schema: Json | UnsetType = UNSET


class OperationSearch(Struct, kw_only=True):
    """Which service tasks are looked for."""

    state: list[OperationState] = []
    operation: list[str] = []
    user: list[str | int] = []
    parentTask: list[str] = []
    rootTask: list[str] = []
    workerHost: list[str] = []
    correlationID: list[str] | str | None = None
    startTimestamp: int | str | None = None
    endTimestamp: int | str | None = None
    timeFieldStrategy: list[
        Literal["all", "createdTimestamp", "executionTimestamp", "finishedTimestamp"]
    ] = []
    timeMatchStrategy: Literal["any", "all"] = "any"
    limit: Page = LIMIT
    offset: Page = 0


# --- what is answered ---


class Domain(Struct):
    """The installation."""

    id: int
    name: str


class Customer(Struct):
    """A project of ours."""

    id: int
    name: str
    shortName: str
    domain: Domain


class User(Struct):
    """Who did something."""

    id: int
    name: str
    shortName: str
    customer: Customer
    domain: Domain
    type: Literal["user", "group"] = "user"
    flags: list[str] = []


class Sample(Struct):
    """The file that a job analyses, by its SHA-256."""

    id: str
    size: int | None


class Job(Struct):
    """A job. Times are milliseconds since 1970."""

    id: str
    state: JobState
    analysedSample: Sample | None
    customer: Customer
    enqueuedTimestamp: int
    startTimestamp: int | None
    endTimestamp: int | None


class Analysis(Struct):
    """An analysis that a task has produced; of it we know the id alone."""

    id: str
    analysisScore: int | None = None
    userAgent: Json = None


class Task(Struct):
    """A task of a job; `analysis` is for clients before 3.18."""

    id: str
    worker: str
    state: TaskState
    message: str | None
    analyses: list[Analysis]
    analysis: Analysis | None
    enqueuedTimestamp: int
    startTimestamp: int | None
    endTimestamp: int | None


class Worker(Struct):
    """A registered worker."""

    id: str
    shortName: str
    localizedName: str
    localizedNames: dict[str, str]
    localizedDescription: str | None
    localizedDescriptions: dict[str, str]
    flags: list[str]
    createdTimestamp: int
    lastUpdatedTimestamp: int | None
    deletedTimestamp: int | None
    createdByUser: User
    lastUpdatedByUser: User | None
    deletedByUser: User | None


class OperationRef(Struct):
    """A service task by its id."""

    id: str
    state: str


class OperationMessage(Struct):
    """Something said of a service task."""

    message: str
    timestamp: int


class Operation(Struct):
    """A service task: one of our bulk operations. Times that are not yet are 0."""

    id: str
    correlationID: str | None
    operation: str
    state: str
    flags: list[str]
    createdTimestamp: int
    executionTimestamp: int
    finishedTimestamp: int
    createdByUser: User | None
    workerHost: str | None
    parentTask: OperationRef | None
    rootTask: OperationRef
    responseContext: dict[str, str]
    responseMessages: list[OperationMessage]


class Session(Struct):
    """Who is signed in."""

    user: User
    customer: Customer
    functions: list[str]


class Said(Struct):
    """A message to the caller: of a field, or of what was asked."""

    message: str
    messageTemplate: str
    type: Literal["FIELD_ERROR", "ACTION_ERROR"]
    field: str | None = None
    parameter: str | None = None


class Envelope(Struct):
    """What every answer is in."""

    responseCode: int
    limit: int
    offset: int
    count: int
    size: int
    metaData: dict[str, Json]
    messages: list[Said]
    data: Json


# --- queries ---


class JobsQuery(Struct, kw_only=True):
    """Which jobs are listed."""

    state: list[JobState] = []
    sortBy: list[JobOrder] = []
    limit: Page = LIMIT
    offset: Page = 0


class TasksQuery(Struct, kw_only=True):
    """Which tasks of a job are listed."""

    sortBy: list[
        Literal[
            "worker", "state", "enqueuedTimestamp", "startTimestamp", "endTimestamp",
            "-worker", "-state", "-enqueuedTimestamp", "-startTimestamp", "-endTimestamp",
        ]
    ] = []  # fmt: skip
    limit: Page = LIMIT
    offset: Page = 0


class WorkersQuery(Struct, kw_only=True):
    """Which workers are listed."""

    sortBy: list[
        Literal[
            "shortName", "createdTimestamp", "lastUpdatedTimestamp", "deletedTimestamp",
            "-shortName", "-createdTimestamp", "-lastUpdatedTimestamp", "-deletedTimestamp",
        ]
    ] = []  # fmt: skip
    limit: Page = LIMIT
    offset: Page = 0
    includeDeleted: bool = False


class OperationsQuery(Struct, kw_only=True):
    """Which service tasks are listed."""

    state: list[OperationState] = []
    operation: list[str] = []
    user: list[str] = []
    parentTask: list[str] = []
    limit: Page = LIMIT
    offset: Page = 0
