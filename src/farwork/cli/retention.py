"""`farwork retention`, `hold` and `release`: how long what has ended is kept."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from farwork.cli import options, times
from farwork.cli.failures import ExitCode, Failure
from farwork.cli.verbs import carry_out, plain

app = typer.Typer()


class Order(StrEnum):
    """What is done with a rule."""

    SET = "set"
    REMOVE = "remove"


class Ended(StrEnum):
    """How the tasks ended that a rule is about."""

    ANY = "*"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


NEVER = "never"
Project = Annotated[
    str | None,
    typer.Option(metavar="PROJECT", help="Whose rules; another's are for admins of `default`."),
]


def _after(text: str) -> float | str:
    return text if text == NEVER else times.typed_span(text)


def _time(what: str) -> Any:
    said = f"{what} so long after its last change: 90s, 12h, 30d, or `never`."
    return typer.Option(parser=_after, metavar=times.SPAN_METAVAR, help=said)


@app.command("retention")
def retention(  # noqa: PLR0913 - one option a part of the rule
    *,
    order: Annotated[
        Order | None, typer.Argument(help="Set or remove a rule; without, show all.")
    ] = None,
    kind: Annotated[str, typer.Option(metavar="KIND", help="Of this kind; `*`: of any.")] = "*",
    state: Annotated[Ended, typer.Option(help="Which ended so; `*`: in any way.")] = Ended.ANY,
    archive_after: Annotated[Any, _time("Archive a task")] = None,
    delete_after: Annotated[Any, _time("Delete a task")] = None,
    hold: Annotated[
        str | None, typer.Option(metavar="WHY", help="A legal hold: nobody deletes these tasks.")
    ] = None,
    project: Project = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """Show, set or remove the rules of when tasks that have ended are archived and deleted.

    Of each rule, the narrowest that gives a time decides: of kind and state, of the kind, of the
    state, of all.
    """
    from farwork.cli.connect import connected
    from farwork.protocol.retention import RetentionIn

    said = (archive_after, delete_after, hold)
    if order is Order.SET and said == (None, None, None):
        raise Failure(
            "Say what: farwork retention set --kind scan --delete-after 30d.", ExitCode.USAGE
        )
    with connected(server, key) as client:
        match order:
            case Order.SET:
                rule = RetentionIn(kind, state.value, *said)
                found = [client.set_retention(rule, project=project)]
            case Order.REMOVE:
                client.delete_retention(kind=kind, state=state.value, project=project)
                found = []
            case None:
                found = client.list_retention(project=project)
    _show(found, as_json=as_json, empty=order is None)


TITLES = ("KIND", "STATE", "ARCHIVE AFTER", "DELETE AFTER", "LEGAL HOLD", "BY")


def _show(found: list[Any], *, as_json: bool, empty: bool) -> None:
    from farwork.cli.output import console, print_json, printable, styled
    from farwork.cli.table import Column, Table

    if as_json:
        for rule in found:
            print_json(rule)
        return
    if not found and not empty:
        return
    columns = [
        Column(title, weight=None if place == 0 else place) for place, title in enumerate(TITLES)
    ]
    rows = [
        [styled("" if value is None else printable(str(value))) for value in _row(rule)]
        for rule in found
    ]
    Table(console(), columns).add(rows)


def _row(rule: Any) -> list[Any]:
    return [
        rule.kind,
        rule.state,
        _shown(rule.archive_after_seconds),
        _shown(rule.delete_after_seconds),
        rule.legal_hold,
        rule.updated_by,
    ]


def _shown(after: float | str | None) -> str | None:
    return times.span(after) if isinstance(after, int | float) else after


@app.command("hold")
def hold_tasks(
    *,
    ids: options.Ids,
    reason: Annotated[
        str, typer.Option(metavar="WHY", help="Why; whoever tries to delete it is told.")
    ],
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> int:
    """Put tasks under a legal hold: nobody deletes them until they are released."""
    return carry_out(
        options.all_ids(ids),
        lambda client, task_id: client.hold_task(task_id, reason=reason),
        (server, key),
        as_json=as_json,
    )


app.command("release", help="Lift the legal hold of tasks.")(plain("release"))
