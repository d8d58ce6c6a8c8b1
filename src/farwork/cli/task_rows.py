"""Tasks as rows of a table."""

from datetime import datetime

from rich.text import Text

from farwork.cli import times
from farwork.cli.output import state_text, styled
from farwork.cli.table import Column
from farwork.sdk import TaskState, TaskSummary

COLUMNS = (
    Column("ID"),
    Column("STATE", shrinks_to=16),
    Column("DONE", weight=6, right=True),
    Column("KIND", weight=3, shrinks_to=8),
    Column("QUEUE", weight=4, shrinks_to=8),
    Column("NAME", weight=1, shrinks_to=8),
    Column("UPDATED", weight=5),
    Column("MESSAGE", weight=2, shrinks_to=16),
)


def row(task: TaskSummary, now: datetime) -> list[Text]:
    """The cells of a task."""
    return [
        styled(task.id),
        state_text(task.state, task.reason),
        styled(done(task)),
        styled(task.kind),
        styled(task.queue),
        styled(task.name or ""),
        styled(times.ago(task.updated_at, now), "dim"),
        message(task),
    ]


def done(task: TaskSummary) -> str:
    """How much is done, where that says anything."""
    if not task.progress.percent and task.state is not TaskState.RUNNING:
        return ""
    return f"{task.progress.percent:.4g}%"


def message(task: TaskSummary) -> Text:
    """What went wrong, or what was last said."""
    if task.error is not None:
        said = [part for part in (task.error.category, task.error.message) if part]
        return styled(": ".join(said), "red")
    return styled(task.progress.message or "")
