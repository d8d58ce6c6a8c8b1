"""What does the work: `Worker` runs functions on tasks, `Context` is what they see of theirs.

`track` makes a task of a stretch of any script.
"""

from farwork.worker._context import Cancelled, Context, NotRetryable, ShardsFailed
from farwork.worker._track import Tracking, track
from farwork.worker._worker import Worker

__all__ = [
    "Cancelled",
    "Context",
    "NotRetryable",
    "ShardsFailed",
    "Tracking",
    "Worker",
    "track",
]
