"""`farwork tail`: follows the change feed."""

from typing import Annotated, Any

import typer

from farwork.cli import options, times
from farwork.cli.failures import complain
from farwork.cli.options import Kinds, Labels, Queues
from farwork.domain.values import TaskState

app = typer.Typer()

SAID_WIDTH_MIN = 40


@app.command("tail")
def follow_feed(  # noqa: PLR0913 - one option a filter
    *,
    task: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="About these tasks only; without, about all."),
    ] = None,
    after: Annotated[
        int | None, typer.Option(metavar="POSITION", min=0, help="Begin behind this event.")
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Begin with the first event that is kept.")
    ] = False,
    kind: Kinds = None,
    queue: Queues = None,
    label: Labels = None,
    job: Annotated[
        list[str] | None, typer.Option("--job", metavar="ID", help="About tasks of this job.")
    ] = None,
    event_type: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", help="Of this type, such as task.reported."),
    ] = None,
    state: Annotated[
        list[TaskState] | None,
        typer.Option("--state", metavar="STATE", help="Only changes into this state."),
    ] = None,
    until_idle: Annotated[
        bool, typer.Option("--no-follow", help="End where there is no further event yet.")
    ] = False,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """Follow what happens, one line an event, until Ctrl-C.

    It goes on where it was when the server goes away and comes back. Each event's position is its
    id in the JSON; `--after` takes it up again.
    """
    from farwork.cli.connect import connected
    from farwork.sdk import FeedFilter

    wanted = FeedFilter(
        types=event_type, task_ids=task, job_ids=job, kinds=kind, queues=queue, labels=label
    )
    start = 0 if from_start and after is None else after
    printed = _json_printer() if as_json else _line_printer()
    with connected(server, key) as client:
        events = (
            _so_far(client, start, wanted)
            if until_idle
            else client.follow_feed(start, on_trouble=_interrupted(), **wanted)
        )
        for event in events:
            if not state or (event.state is not None and _entered(event.state, state)):
                printed(event)


def _entered(change: Any, states: list[TaskState]) -> bool:
    return change.after in states and change.before != change.after


def _so_far(client: Any, start: int | None, wanted: Any) -> Any:
    end = client.feed_position()
    place = end if start is None else start
    while place < end:
        page = client.read_feed(place, **wanted)
        yield from page.items
        if page.next_after <= place:
            return
        place = page.next_after


def _json_printer() -> Any:
    from farwork.cli.output import print_json

    return print_json


def _line_printer() -> Any:
    from farwork.cli.event_lines import line
    from farwork.cli.output import console

    terminal = console()
    width = 0

    def printed(event: Any) -> None:
        nonlocal width
        width = max(width, len(event.task_id or event.job_id or ""))
        now = times.present() if terminal.is_terminal else None
        found = line(event, now=now, subject_width=width)
        if now is not None:
            # One line an event; but what it is about is whole.
            found.truncate(max(terminal.width, width + SAID_WIDTH_MIN), overflow="ellipsis")
        terminal.print(found)

    return printed


def _interrupted() -> Any:
    is_away = False

    def tell(error: Exception | None) -> None:
        nonlocal is_away
        from farwork.sdk import FeedReset

        if isinstance(error, FeedReset):
            complain(str(error))
            return
        if error is None:
            complain("the server is back.")
        elif not is_away:
            complain(f"{error} Waiting for the server to come back.")
        is_away = error is not None

    return tell
