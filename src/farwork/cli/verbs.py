"""The verbs: `farwork cancel`, `retry`, `archive`, `restore`, `adopt`, `delete`."""

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from farwork.cli import options
from farwork.cli.failures import ExitCode, Failure, complain

app = typer.Typer()


def carry_out(
    ids: list[str], order: Callable[[Any, str], Any], connection: Any, *, as_json: bool
) -> int:
    """Give an order about each task, say what became of it; the exit code."""
    from farwork.cli.connect import connected, in_words
    from farwork.sdk import InvalidRequest, NotFound, Refused, VersionMismatch

    code = ExitCode.DONE
    with connected(*connection) as client:
        show = _json_shown if as_json else _line_shown(max(map(len, ids), default=0))
        for task_id in ids:
            try:
                show(task_id, order(client, task_id))
            except (NotFound, Refused, InvalidRequest, VersionMismatch) as error:
                complain(f"{task_id}: {in_words(error)}")
                code = ExitCode.NO
    return code


def _json_shown(task_id: str, task: Any) -> None:
    from farwork.cli.output import print_json

    print_json({"id": task_id, "deleted": True} if task is None else task)


def _line_shown(id_width: int) -> Callable[[str, Any], None]:
    from rich.text import Text

    from farwork.cli.output import console, printable, state_text, styled

    terminal = console()

    def show(task_id: str, task: Any) -> None:
        said = styled("deleted", "red") if task is None else state_text(task.state, task.reason)
        if task is not None and task.archived_at is not None:
            said.append("  archived", style="dim")
        terminal.print(Text.assemble(printable(task_id).ljust(id_width), "  ", said))

    return show


@app.command("cancel")
def cancel(
    *,
    ids: options.Ids,
    reason: Annotated[
        str | None, typer.Option(metavar="WORD", help="Why; the task and its log show it.")
    ] = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> int:
    """End tasks."""
    return carry_out(
        options.all_ids(ids),
        lambda client, task_id: client.cancel_task(task_id, reason=reason),
        (server, key),
        as_json=as_json,
    )


def plain(verb: str) -> Callable[..., int]:
    """The command of a verb with which nothing else is said."""

    def command(
        *,
        ids: options.Ids,
        as_json: options.AsJson = False,
        server: options.Server = None,
        key: options.Key = None,
    ) -> int:
        return carry_out(
            options.all_ids(ids),
            lambda client, task_id: getattr(client, f"{verb}_task")(task_id),
            (server, key),
            as_json=as_json,
        )

    return command


app.command("retry", help="Begin another attempt of tasks that have ended.")(plain("retry"))
app.command("archive", help="Put tasks out of sight; `restore` brings them back.")(plain("archive"))
app.command("restore", help="Bring archived tasks back.")(plain("restore"))


@app.command("adopt")
def adopt(
    *,
    task_id: Annotated[str, typer.Argument(metavar="ID", help="The task's id.")],
    event: Annotated[
        int | None,
        typer.Option(metavar="POSITION", help="The late report's event; without, the latest."),
    ] = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> int:
    """Make an end that was reported too late the task's end."""
    return carry_out(
        [task_id],
        lambda client, one: client.adopt_report(one, event_id=event),
        (server, key),
        as_json=as_json,
    )


@app.command("delete")
def delete(
    *,
    ids: options.Ids,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> int:
    """Remove tasks, their results and their events for good.

    At a terminal it asks first.
    """
    wanted = options.all_ids(ids)
    if not yes and sys.stdin.isatty():
        these = wanted[0] if len(wanted) == 1 else f"{len(wanted)} tasks"
        if not typer.confirm(f"Delete {these} for good?", err=True):
            raise Failure("Nothing was deleted.", ExitCode.NO)
    return carry_out(
        wanted, lambda client, task_id: client.delete_task(task_id), (server, key), as_json=as_json
    )
