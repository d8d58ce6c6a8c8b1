"""What programs may import is a promise."""

import subprocess
import sys

from inline_snapshot import snapshot

from farwork import sdk

NAMES = snapshot(
    [
        "AsyncClient",
        "AttemptMade",
        "AttemptOut",
        "BadAnswer",
        "Beat",
        "CallbackIn",
        "ClaimIn",
        "ClaimedOut",
        "Client",
        "CompleteIn",
        "Completed",
        "Counts",
        "DeliveryOut",
        "ErrorIn",
        "EventFilter",
        "EventOut",
        "EventPage",
        "Explanation",
        "FailIn",
        "Failed",
        "FarworkError",
        "FeedFilter",
        "FeedReset",
        "FieldProblem",
        "Forbidden",
        "Graph",
        "HandBackIn",
        "HeartbeatIn",
        "HookCreated",
        "HookDetail",
        "HookOut",
        "HookPatch",
        "InvalidRequest",
        "LeaseOut",
        "LeaseRef",
        "LimitsIn",
        "NotFound",
        "OriginIn",
        "Overloaded",
        "Patience",
        "PlatformJob",
        "PolicyIn",
        "Problem",
        "Progress",
        "ProgressIn",
        "QueueWeight",
        "RedeliverIn",
        "Refused",
        "ReportIn",
        "ReportOut",
        "ResultIn",
        "ResultOut",
        "RetryIn",
        "ServerFailed",
        "ShardCounts",
        "ShardCreate",
        "ShardIn",
        "ShardOut",
        "StateChange",
        "SubmissionIn",
        "SubmissionOut",
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
)


def test_the_public_names_are_these_and_no_others() -> None:
    assert sdk.__all__ == NAMES
    assert all(hasattr(sdk, name) for name in sdk.__all__)


def test_the_client_never_loads_the_server() -> None:
    program = (
        "import sys, farwork.sdk;"
        "print(sorted({m.partition('.')[0] for m in sys.modules}"
        " & {'sqlalchemy', 'psycopg', 'alembic', 'litestar', 'granian', 'typer'}))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert found.stdout.strip() == b"[]"
