"""`farwork wait`: until tasks have ended."""

from typing import Annotated, Any

import typer

from farwork.cli import options, times
from farwork.cli.failures import ExitCode, complain

app = typer.Typer()

Timeout = Annotated[
    float | None,
    typer.Option(
        parser=times.typed_span,
        metavar=times.SPAN_METAVAR,
        help="Give up after so long: 90, 90s, 15m, 2h. Without it, never.",
    ),
]


@app.command("wait")
def wait_for_tasks(
    *,
    ids: options.Ids,
    timeout: Timeout = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> int:
    """Wait until every one of these tasks has ended.

    The exit code is 0 if all succeeded, 1 if some failed or were cancelled, and 124 if the time
    ran out before.
    """
    from farwork.cli.connect import connected

    with connected(server, key) as client:
        return wait_for(client, options.all_ids(ids), timeout, as_json=as_json)


def wait_for(client: Any, ids: list[str], timeout_s: float | None, *, as_json: bool) -> int:
    """Wait and say how each task ended; the exit code."""
    from farwork import clock
    from farwork.sdk import TaskState, WaitTimedOut

    ends = None if timeout_s is None else clock.ticks() + timeout_s
    code = ExitCode.DONE
    show = _json_shown if as_json else _line_shown(max(map(len, ids), default=0))
    for task_id in ids:
        left = None if ends is None else max(0.0, ends - clock.ticks())
        try:
            task = client.wait_for_task(task_id, timeout_s=left)
        except WaitTimedOut:
            complain(f"{task_id} has not ended after {timeout_s:g} s.")
            code = ExitCode.TIMED_OUT
            continue
        show(task)
        if task.state != TaskState.SUCCEEDED and code == ExitCode.DONE:
            code = ExitCode.NO
    return code


def _json_shown(task: Any) -> None:
    from farwork.cli.output import print_json

    print_json(task)


def _line_shown(id_width: int) -> Any:
    from rich.text import Text

    from farwork.cli.output import console, state_text, styled
    from farwork.cli.task_rows import message

    terminal = console()

    def show(task: Any) -> None:
        took = ""
        if task.started_at and task.completed_at:
            took = f"after {times.span((task.completed_at - task.started_at).total_seconds())}"
        parts = [state_text(task.state, task.reason), styled(took, "dim"), message(task)]
        said = Text("  ").join(part for part in parts if part)
        terminal.print(Text.assemble(styled(task.id).plain.ljust(id_width), "  ", said))

    return show
