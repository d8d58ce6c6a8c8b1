"""ScanHub's words: what its clients send, and what they get.

One superset for the three generations of its clients, which all pass over keys that they do not
know: the records of the newest, and beside them `filename` and `input_id` for the oldest.
"""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

Json = Any
Status = Literal["NEW", "UPDATED", "STARTED", "INPROGRESS", "FINISHED", "ERROR"]
TaskType = Literal["ACQUISITION", "DAG"]
DagType = Literal["RECONSTRUCTION", "PROCESSING"]
ResultType = Literal["DICOM", "MRD", "NUMPY", "CALIBRATION", "NOT_SET"]
Gender = Literal["MALE", "FEMALE", "OTHER", "NOT_GIVEN"]

PREFIX = "/api/v1/exam"
BLANK: ResultType = "NOT_SET"

Text = Annotated[str, Meta(max_length=10_000)]
Path = Annotated[str, Meta(max_length=4_096)]
Uuid = Annotated[
    str,
    Meta(
        pattern=r"^(urn:uuid:)?\{?[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?$",
        max_length=47,
        extra={"rule": "must be a UUID"},
    ),
]
Progress = Annotated[int, Meta(ge=0, le=100)]
Measure = Annotated[int, Meta(ge=0, le=100_000)]

# --- what is sent ---


class Vector(Struct):
    """Three coordinates."""

    x: float
    y: float
    z: float


class AcquisitionParameter(Struct):
    """Where and how a scan looks."""

    fov_scaling: Vector
    fov_offset: Vector
    fov_rotation: Vector


class AcquisitionLimits(Struct):
    """Whom a scan must be safe for."""

    patient_height: Measure
    patient_weight: Measure
    patient_age: Measure
    patient_gender: Gender = "NOT_GIVEN"


class TaskIn(Struct, kw_only=True):
    """What every task says of itself; `datetime_updated` tells which copy its sender has read."""

    workflow_id: Uuid | None = None
    name: Text
    description: Text
    task_type: TaskType
    destination: Text
    status: Status
    progress: Progress
    is_template: bool
    position: Annotated[int, Meta(ge=0, le=2**31 - 1)] | UnsetType = UNSET
    datetime_updated: Json | UnsetType = UNSET


class AcquisitionIn(TaskIn, kw_only=True):
    """A scan."""

    device_id: Uuid | None = None
    sequence_id: Text | None = None
    acquisition_parameter: AcquisitionParameter | None = None
    acquisition_limits: AcquisitionLimits | None = None
    calibration: list[dict[str, Json]] = []


class DagIn(TaskIn, kw_only=True):
    """A reconstruction or another processing of what other tasks have made."""

    dag_type: DagType
    dag_id: Text
    input_task_ids: list[Uuid] | UnsetType = UNSET
    input_id: Uuid | None = None
    parameter: dict[str, Json] | None = None


class ResultIn(Struct, kw_only=True):
    """A result, whole; `filename` is the seed era's."""

    type: ResultType
    directory: Path
    files: list[Path] | UnsetType = UNSET
    filename: Path | None = None
    meta: dict[str, Json] | None = None


class Order(Struct):
    """Tasks in the order in which they shall stand."""

    task_ids: list[Uuid]


class WorkflowIn(Struct, kw_only=True):
    """A workflow."""

    exam_id: Uuid | None = None
    name: Text
    description: Text | None = ""
    comment: Text | None = None
    status: Status
    is_template: bool


class ExamIn(Struct, kw_only=True):
    """An exam."""

    patient_id: Annotated[str, Meta(min_length=1, max_length=255)] | int | None = None
    name: Text
    description: Text | None = ""
    indication: Text | None = None
    comment: Text | None = None
    status: Status
    is_template: bool


class SequenceIn(Struct, kw_only=True):
    """What is said of a sequence; its files come with it when it is made."""

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    description: Text | None = None
    sequence_type: Text | None = None
    tags: list[Text] | None = None


# --- what is answered ---


class Result(Struct):
    """A result."""

    id: str
    task_id: str
    datetime_created: str
    type: ResultType
    directory: str
    files: list[str]
    meta: dict[str, Json] | None
    filename: str


class TaskOut(Struct, kw_only=True):
    """What every task shows, beside its `task_type`."""

    id: str
    creator: str
    datetime_created: str
    datetime_updated: str | None
    workflow_id: str | None
    name: str
    description: str
    destination: str
    status: Status
    progress: int
    is_template: bool
    position: int
    results: list[Result]


class Acquisition(TaskOut, kw_only=True, tag_field="task_type", tag="ACQUISITION"):
    """A scan."""

    device_id: str | None
    sequence_id: str | None
    acquisition_parameter: Json
    acquisition_limits: Json
    calibration: list[Json]


class Dag(TaskOut, kw_only=True, tag_field="task_type", tag="DAG"):
    """A reconstruction or another processing."""

    dag_type: DagType
    dag_id: str
    input_task_ids: list[str]
    input_id: str | None
    parameter: Json


Task: TypeAlias = Acquisition | Dag


class Workflow(Struct, kw_only=True):
    """A workflow with its tasks."""

    id: str
    exam_id: str | None
    name: str
    description: str | None
    comment: str | None
    status: Status
    is_template: bool
    creator: str
    datetime_created: str
    datetime_updated: str | None
    tasks: list[Task]


class Exam(Struct, kw_only=True):
    """An exam with its workflows."""

    id: str
    patient_id: str | None
    name: str
    description: str | None
    indication: str | None
    comment: str | None
    status: Status
    is_template: bool
    creator: str
    datetime_created: str
    datetime_updated: str | None
    workflows: list[Workflow]


class Sequence(Struct, kw_only=True, rename={"id": "_id"}):
    """A sequence with its files, which are text."""

    id: str
    name: str
    description: str | None
    sequence_type: str | None
    tags: list[str]
    created_at: str
    updated_at: str | None
    seq_file: str
    seq_file_extension: str
    xml_file: str
    xml_file_extension: str


class RawAcquisition(Struct):
    """One line of raw data; `dwell_time` is the seconds between two samples."""

    acquisition_id: int
    num_samples: int
    num_coils: int
    dwell_time: float


class RawMeta(Struct):
    """What is in a file of raw data; its samples are given as complex floats."""

    workflow_id: str
    task_id: str
    result_id: str
    dtype: Literal["fc32"]
    acquisitions: list[RawAcquisition]


class Health(Struct):
    """The server answers."""

    status: str


class Refusal(Struct):
    """Why a request was not carried out."""

    detail: str


class Flaw(Struct):
    """One thing that is wrong with a request: where, and what was found there."""

    type: str
    loc: list[str | int]
    msg: str
    input: Json = None


class Flaws(Struct):
    """Everything that is wrong with a request."""

    detail: list[Flaw]


# --- users ---

UserRole = Literal["admin", "medical", "scientist", "engineer"]
LOGIN_PREFIX = "/api/v1/userlogin"


class User(Struct, kw_only=True):
    """A user; with a token where one is given out."""

    username: str
    first_name: str
    last_name: str
    email: str | None
    role: UserRole
    access_token: str = ""
    token_type: str = ""
    last_activity_unixtime: int | None
    last_login_unixtime: int | None


class FirstUser(Struct, kw_only=True):
    """The first user, with the password in place of the token."""

    username: Annotated[str, Meta(min_length=1, max_length=255)]
    first_name: Text = ""
    last_name: Text = ""
    email: Text | None = None
    role: UserRole = "admin"
    access_token: str


class SequenceForm(Struct, kw_only=True):
    """The form by which a sequence is made: two files, and what is said of them."""

    seq_file: bytes
    xml_file: bytes
    name: str
    description: str | None = None
    sequence_type: str | None = None
    tags: str | None = None


class LoginForm(Struct, kw_only=True):
    """The form by which one signs in."""

    username: str
    password: str
    grant_type: str | None = None
