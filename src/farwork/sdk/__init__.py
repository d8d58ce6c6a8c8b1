"""What programs use to talk to a Farwork server: `Client`, `AsyncClient` and their words."""

from farwork.domain.values import TaskState
from farwork.protocol.reports import ErrorIn, OriginIn, ProgressIn, ReportIn, ResultIn, ShardIn
from farwork.protocol.tasks import (
    Progress,
    ReportOut,
    ShardCounts,
    ShardCreate,
    TaskCreate,
    TaskOut,
    TaskPatch,
    TaskSummary,
)
from farwork.sdk._client import AsyncClient, Client
from farwork.sdk._errors import (
    BadAnswer,
    FarworkError,
    FieldProblem,
    Forbidden,
    InvalidRequest,
    NotFound,
    Overloaded,
    Problem,
    Refused,
    ServerFailed,
    Unauthenticated,
    Unreachable,
    VersionMismatch,
    WaitTimedOut,
)
from farwork.sdk._patience import Patience

__all__ = [
    "AsyncClient",
    "BadAnswer",
    "Client",
    "ErrorIn",
    "FarworkError",
    "FieldProblem",
    "Forbidden",
    "InvalidRequest",
    "NotFound",
    "OriginIn",
    "Overloaded",
    "Patience",
    "Problem",
    "Progress",
    "ProgressIn",
    "Refused",
    "ReportIn",
    "ReportOut",
    "ResultIn",
    "ServerFailed",
    "ShardCounts",
    "ShardCreate",
    "ShardIn",
    "TaskCreate",
    "TaskOut",
    "TaskPatch",
    "TaskState",
    "TaskSummary",
    "Unauthenticated",
    "Unreachable",
    "VersionMismatch",
    "WaitTimedOut",
]
