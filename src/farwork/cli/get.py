"""`farwork get`: everything about a task."""

from typing import Annotated, Any

import typer

from farwork.cli import options, times
from farwork.cli.failures import ExitCode, complain

app = typer.Typer()

RESULTS = 10


@app.command("get")
def get_tasks(
    *,
    ids: options.Ids,
    events: Annotated[
        int, typer.Option("--events", "-n", min=0, max=500, metavar="N", help="The last N events.")
    ] = 10,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> int:
    """Show everything about tasks.

    How they stand and why, what was asked for, what came of it, what happened. The JSON is the task
    as the API has it, with `explanation`, `results` and `events` beside.
    """
    from farwork.cli.connect import connected
    from farwork.sdk import NotFound

    wanted = options.all_ids(ids)
    code = ExitCode.DONE
    with connected(server, key) as client:
        for place, task_id in enumerate(wanted):
            try:
                found = _gathered(client, task_id, events, RESULTS if not as_json else None)
            except NotFound as error:
                complain(str(error))
                code = ExitCode.NO
                continue
            if as_json:
                _print_json(*found)
            else:
                _print_view(*found, gap=place > 0)
    return code


def _gathered(client: Any, task_id: str, events: int, results: int | None) -> tuple[Any, ...]:
    task = client.get_task(task_id)
    last = list(client.list_events(task_id, newest_first=True, limit=events))
    return (
        task,
        client.explain_task(task_id),
        list(client.list_results(task_id, limit=results)) if task.has_result else [],
        last[::-1],
    )


def _print_json(task: Any, explanation: Any, results: list[Any], events: list[Any]) -> None:
    import msgspec

    from farwork.cli.output import print_json

    beside = {"explanation": explanation, "results": results, "events": events}
    print_json({**msgspec.structs.asdict(task), **beside})


def _print_view(
    task: Any, explanation: Any, results: list[Any], events: list[Any], *, gap: bool
) -> None:
    from farwork.cli.output import console
    from farwork.cli.task_view import View

    terminal = console()
    if gap:
        terminal.print()
    for line in View(terminal, times.present()).lines(task, explanation, results, events):
        terminal.print(line)
