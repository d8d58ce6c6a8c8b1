"""`farwork ls`: the tasks, in a table or as JSON."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

import typer

from farwork.cli import options, times
from farwork.cli.failures import complain
from farwork.cli.options import Archived, Kinds, Labels, Queues, Side
from farwork.domain.values import TaskState

app = typer.Typer()

LIMIT = 50
# The first block fixes the widths of the columns.
BLOCK = 200


class Order(StrEnum):
    """By which time a list is ordered."""

    CREATED = "created"
    UPDATED = "updated"
    COMPLETED = "completed"


States = Annotated[
    list[TaskState] | None,
    typer.Option(
        "--state",
        metavar="STATE",
        help="created, blocked, queued, running, succeeded, failed or cancelled. As most filters, "
        "may be given several times.",
    ),
]
Reasons = Annotated[
    list[str] | None, typer.Option("--reason", metavar="WORD", help="For this reason.")
]
Job = Annotated[str | None, typer.Option(metavar="ID", help="Of this job.")]
Creator = Annotated[str | None, typer.Option(metavar="NAME", help="Created under this name.")]
ExternalRef = Annotated[
    str | None, typer.Option(metavar="REF", help="With this external reference.")
]


def time_option(text: str) -> Any:
    """An option that takes a time."""
    return typer.Option(parser=times.typed_moment, metavar=times.TIME_METAVAR, help=text)


@app.command("ls", epilog=times.HOW_TO_TYPE)
def list_tasks(  # noqa: PLR0913 - one option a filter
    *,
    state: States = None,
    reason: Reasons = None,
    kind: Kinds = None,
    queue: Queues = None,
    label: Labels = None,
    job: Job = None,
    creator: Creator = None,
    external_ref: ExternalRef = None,
    created_after: Annotated[datetime | None, time_option("Created then or later.")] = None,
    created_before: Annotated[datetime | None, time_option("Created before.")] = None,
    updated_after: Annotated[datetime | None, time_option("Changed then or later.")] = None,
    updated_before: Annotated[datetime | None, time_option("Not changed since.")] = None,
    completed_after: Annotated[datetime | None, time_option("Ended then or later.")] = None,
    completed_before: Annotated[datetime | None, time_option("Ended before.")] = None,
    archived: Side = Archived.NO,
    order: Annotated[Order, typer.Option(help="Order by this time, newest first.")] = Order.CREATED,
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="Turn it round.")] = False,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, metavar="N", help="Show so many at most.")
    ] = LIMIT,
    everything: Annotated[bool, typer.Option("--all", help="Show every one.")] = False,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """List tasks, newest first."""
    from farwork.cli.connect import connected

    with connected(server, key) as client:
        tasks = client.list_tasks(
            states=[str(one) for one in state or []],
            reasons=reason,
            kinds=kind,
            queues=queue,
            labels=label,
            job_id=job,
            creator=creator,
            external_ref=external_ref,
            created_after=created_after,
            created_before=created_before,
            updated_after=updated_after,
            updated_before=updated_before,
            completed_after=completed_after,
            completed_before=completed_before,
            archived=archived.parameter,
            order=order.value,
            direction="asc" if oldest_first else "desc",
            limit=None if everything else limit + 1,
        )
        shown = tasks if everything else islice(tasks, limit)
        count = _print_json(shown) if as_json else _print_table(shown)
        if not everything and next(tasks, None) is not None:
            complain(f"there are more than these {count}; --limit or --all shows them.")


def _print_json(tasks: Iterator[Any]) -> int:
    from farwork.cli.output import print_json

    count = 0
    for task in tasks:
        print_json(task)
        count += 1
    return count


def _print_table(tasks: Iterator[Any]) -> int:
    from farwork.cli.output import console
    from farwork.cli.table import Table
    from farwork.cli.task_rows import COLUMNS, row

    now = times.present()
    table = Table(console(), COLUMNS)
    count = 0
    while block := list(islice(tasks, BLOCK)):
        table.add([row(task, now) for task in block])
        count += len(block)
    if not count:
        complain("no task fits.")
    return count
