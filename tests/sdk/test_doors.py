"""What programs may import is a promise."""

import subprocess
import sys

from inline_snapshot import snapshot

from farwork import sdk


def test_the_public_names_are_these_and_no_others() -> None:
    assert sdk.__all__ == snapshot(
        [
            "AsyncClient",
            "AttemptMade",
            "AttemptOut",
            "BadAnswer",
            "CallbackIn",
            "Client",
            "Counts",
            "DeliveryOut",
            "ErrorIn",
            "EventFilter",
            "EventOut",
            "EventPage",
            "Explanation",
            "FarworkError",
            "FeedFilter",
            "FeedReset",
            "FieldProblem",
            "Forbidden",
            "Graph",
            "HookCreated",
            "HookDetail",
            "HookOut",
            "HookPatch",
            "InvalidRequest",
            "NotFound",
            "OriginIn",
            "Overloaded",
            "Patience",
            "Problem",
            "Progress",
            "ProgressIn",
            "RedeliverIn",
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
    )
    assert all(hasattr(sdk, name) for name in sdk.__all__)


def test_the_client_never_loads_the_server() -> None:
    program = (
        "import sys, farwork.sdk;"
        "print(sorted({m.partition('.')[0] for m in sys.modules}"
        " & {'sqlalchemy', 'psycopg', 'alembic', 'litestar', 'granian', 'typer'}))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert found.stdout.strip() == b"[]"
