"""`farwork submit`: creates tasks, and lets created ones go."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from farwork.cli import options
from farwork.cli.failures import ExitCode, Failure
from farwork.cli.verbs import carry_out
from farwork.cli.wait import Timeout, wait_for

T = TypeVar("T")

app = typer.Typer()

GRAMMAR = """\
With ids, it lets these created tasks go: farwork submit run-17 run-18. With options, it creates
one task and lets it go: farwork submit --kind train --queue gpu --param name=wide --param lr:=0.01.
With --file, it creates every task of the file: a JSON object, a list, or one object a line; the
fields are those of POST /v1/tasks. Either all of them are created or none."""


@app.command("submit", epilog=GRAMMAR)
def submit(  # noqa: PLR0913 - one option a field
    *,
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...", help="Created tasks to let go; - reads their ids from the input."
        ),
    ] = None,
    task_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="The new task's id; else it gets one.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help="What kind of work it is.")
    ] = None,
    queue: Annotated[
        str | None, typer.Option(metavar="QUEUE", help="Where it is meant to run.")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What people call it.")] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=TEXT|KEY:=JSON", help="A parameter: a text, or any JSON value."),
    ] = None,
    params_json: Annotated[
        str | None,
        typer.Option(metavar="JSON|@FILE|@-", help="All parameters, as a JSON object."),
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="A label.")
    ] = None,
    priority: Annotated[
        int | None, typer.Option(metavar="N", help="Greater goes first; -1000 to 1000.")
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="ID", help="A task that this one waits for."),
    ] = None,
    job: Annotated[str | None, typer.Option(metavar="ID", help="The job it belongs to.")] = None,
    external_ref: Annotated[
        str | None, typer.Option(metavar="REF", help="Its name where it runs.")
    ] = None,
    file: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Create the tasks that this file holds.")
    ] = None,
    hold: Annotated[
        bool, typer.Option("--hold", help="Create it, but do not let it go yet.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until it has ended, as `farwork wait` does.")
    ] = False,
    timeout: Timeout = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> int:
    """Create a task and let it go, or let created ones go.

    Prints the id of what it creates, and nothing else.
    """
    from farwork.cli.connect import connected

    fields = {
        "id": task_id,
        "kind": kind,
        "queue": queue,
        "name": name,
        "params": _parameters(param or [], params_json),
        "labels": _labels(label or []),
        "priority": priority,
        "inputs": inputs,
        "job_id": job,
        "external_ref": external_ref,
    }
    given = {name: value for name, value in fields.items() if value not in (None, {}, [])}
    _refuse_a_mixture(bool(ids), bool(given) or hold, file is not None)
    connection = (server, key)
    if ids:
        wanted = options.all_ids(ids)
        code = carry_out(wanted, _let_go, connection, as_json=as_json and not wait)
        if not wait or code != ExitCode.DONE:
            return code
    else:
        with connected(*connection) as client:
            if file is None:
                tasks = [client.create_task(_task(given | {"submit": not hold}))]
            else:
                tasks = client.create_tasks([_task(one) for one in _objects(file)])
        wanted = [task.id for task in tasks]
        if not (as_json and wait):
            _print(tasks, as_json=as_json)
    if not wait:
        return ExitCode.DONE
    with connected(*connection) as client:
        return wait_for(client, wanted, timeout, as_json=as_json)


def _let_go(client: Any, task_id: str) -> Any:
    return client.submit_task(task_id)


def _print(tasks: list[Any], *, as_json: bool) -> None:
    from farwork.cli.output import print_json, print_lines

    if as_json:
        for task in tasks:
            print_json(task)
    else:
        print_lines([task.id for task in tasks])


def _refuse_a_mixture(*given: bool) -> None:
    ways = "Give ids of created tasks, or options of a new one, or --file"
    if sum(given) > 1:
        raise Failure(f"{ways}, but not two of them at once.", ExitCode.USAGE)
    if not any(given):
        raise Failure(f"{ways}. 'farwork submit --help' shows how.", ExitCode.USAGE)


def _parameters(pairs: list[str], whole: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if whole is not None:
        text = _content(whole[1:]) if whole.startswith("@") else whole
        found = _json(text, "--params-json", dict[str, Any])
    for pair in pairs:
        key, sign, value = pair.partition("=")
        is_json = key.endswith(":")
        if not sign or not key.rstrip(":"):
            raise typer.BadParameter(f"--param {pair!r} is neither KEY=TEXT nor KEY:=JSON")
        key = key.removesuffix(":")
        found[key] = _json(value, f"--param {key}:=", object) if is_json else value
    return found


def _labels(pairs: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not key:
            raise typer.BadParameter(f"--label {pair!r} is not KEY=VALUE")
        found[key] = value
    return found


def _objects(file: str) -> Iterator[Any]:
    """The objects of a JSON object, a JSON list, or one object a line."""
    text = _content(file)
    try:
        found = _json(text, file, object)
    except Failure:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:  # noqa: PLR2004 - one line is one JSON value, and it is not
            raise
        for number, line in enumerate(lines, start=1):
            yield _json(line, f"{file}, line {number}", dict[str, Any])
        return
    yield from found if isinstance(found, list) else [found]


def _content(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}.", ExitCode.USAGE) from error
    except UnicodeDecodeError as error:
        raise Failure(f"{file} is not UTF-8: {error}.", ExitCode.USAGE) from error


def _json(text: str, where: str, kind: type[T]) -> T:
    import msgspec

    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise Failure(f"{where} cannot be taken: {error}.", ExitCode.USAGE) from error


def _task(fields: Any) -> Any:
    import msgspec

    from farwork.sdk import TaskCreate

    try:
        return msgspec.convert(fields, TaskCreate)
    except msgspec.ValidationError as error:
        raise Failure(f"The task cannot be taken: {error}.", ExitCode.USAGE) from error
