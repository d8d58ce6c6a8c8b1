"""What programs use to talk to a Farwork server: `Client`, `AsyncClient` and their words."""

from farwork.domain.values import TaskState
from farwork.protocol.events import EventOut, EventPage, StateChange
from farwork.protocol.parts import (
    AttemptOut,
    Counts,
    Explanation,
    Graph,
    ResultOut,
    ShardOut,
)
from farwork.protocol.problems import FieldProblem
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
    FeedReset,
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
from farwork.sdk._feed import FeedFilter
from farwork.sdk._patience import Patience
from farwork.sdk._tasks import TaskFilter

__all__ = [
    "AsyncClient",
    "AttemptOut",
    "BadAnswer",
    "Client",
    "Counts",
    "ErrorIn",
    "EventOut",
    "EventPage",
    "Explanation",
    "FarworkError",
    "FeedFilter",
    "FeedReset",
    "FieldProblem",
    "Forbidden",
    "Graph",
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
    "ResultOut",
    "ServerFailed",
    "ShardCounts",
    "ShardCreate",
    "ShardIn",
    "ShardOut",
    "StateChange",
    "TaskCreate",
    "TaskFilter",
    "TaskOut",
    "TaskPatch",
    "TaskState",
    "TaskSummary",
    "Unauthenticated",
    "Unreachable",
    "VersionMismatch",
    "WaitTimedOut",
]
