"""`farwork queues` and `farwork workers`: who works on what, and whether."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from farwork.cli import options

app = typer.Typer()


class Order(StrEnum):
    """What a queue or a worker is told."""

    PAUSE = "pause"
    DRAIN = "drain"
    RESUME = "resume"

    @property
    def state(self) -> str:
        """The state that follows."""
        return {"pause": "paused", "drain": "draining", "resume": "active"}[self]


Comment = Annotated[str | None, typer.Option(metavar="TEXT", help="Why; lists show it.")]
Said = Annotated[
    Order | None, typer.Argument(help="Take nothing more (pause, drain), or go on (resume).")
]


@app.command("queues")
def show_queues(
    *,
    order: Said = None,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="QUEUE...", help="Which queues are told so.")
    ] = None,
    comment: Comment = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """Show the queues and how their tasks stand; pause, drain or resume some."""
    from farwork.cli.connect import connected

    with connected(server, key) as client:
        if order is None:
            found = list(client.list_queues())
        else:
            found = [
                client.steer_queue(name, state=order.state, comment=comment)
                for name in _named(names)
            ]
    _show(found, QUEUE_TITLES, _queue_row, as_json=as_json)


@app.command("workers")
def show_workers(
    *,
    order: Said = None,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="WORKER...", help="Which workers are told so.")
    ] = None,
    comment: Comment = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """Show the workers, the last seen first; pause, drain or resume some."""
    from farwork.cli.connect import connected

    with connected(server, key) as client:
        if order is None:
            found = list(client.list_workers())
        else:
            found = [
                client.steer_worker(name, state=order.state, comment=comment)
                for name in _named(names)
            ]
    _show(found, WORKER_TITLES, _worker_row, as_json=as_json)


def _named(names: list[str] | None) -> list[str]:
    from farwork.cli.failures import ExitCode, Failure

    if not names:
        raise Failure("Say which: farwork queues pause gpu.", ExitCode.USAGE)
    return names


QUEUE_TITLES = ("QUEUE", "STATE", "QUEUED", "RUNNING", "AT MOST", "SHARED BY", "COMMENT")
WORKER_TITLES = ("WORKER", "STATE", "TASKS", "SEEN", "QUEUES", "COMMENT")


def _queue_row(queue: Any) -> list[Any]:
    return [
        queue.name,
        "drained" if queue.drained else queue.state,
        queue.tasks.get("queued"),
        queue.tasks.get("running"),
        queue.running_max,
        queue.fair_by,
        queue.comment,
    ]


def _worker_row(worker: Any) -> list[Any]:
    seen = worker.seen_at.isoformat(timespec="seconds")
    queues = ", ".join(worker.queues)
    return [worker.name, worker.state, worker.leases, seen, queues, worker.comment]


def _show(
    found: list[Any], titles: Sequence[str], row: Callable[[Any], list[Any]], *, as_json: bool
) -> None:
    from farwork.cli.output import console, print_json, printable, styled
    from farwork.cli.table import Column, Table

    if as_json:
        for one in found:
            print_json(one)
        return
    columns = [
        Column(title, weight=None if place == 0 else place) for place, title in enumerate(titles)
    ]
    rows = [
        [styled("" if value is None else printable(str(value))) for value in row(one)]
        for one in found
    ]
    Table(console(), columns).add(rows)
