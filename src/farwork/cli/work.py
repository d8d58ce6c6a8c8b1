"""`farwork worker` and `farwork exec`: doing the work."""

from pathlib import Path
from typing import Annotated, Any

import typer

from farwork.cli import options
from farwork.cli.failures import ExitCode, Failure

app = typer.Typer()

Spool = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Where reports wait while the server is away "
        "[FARWORK_SPOOL; default: in your data directory].",
    ),
]


@app.command("worker")
def run_worker(
    *,
    where: Annotated[
        str, typer.Argument(metavar="MODULE:NAME", help="Where the Worker is, such as jobs:worker.")
    ],
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=1_000, metavar="N", help="So many tasks at once.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Run a worker until it is stopped; SIGTERM lets it finish what it has, or hand it back."""
    _log_to_stderr()
    worker = _found(where)
    taken = worker.run(concurrency=concurrency)
    if as_json:
        from farwork.cli.output import print_json

        print_json({"tasks": taken})
    else:
        print(f"{taken} tasks")


def _found(where: str) -> Any:
    import sys
    from importlib import import_module

    from farwork.worker import Worker

    module, sign, name = where.partition(":")
    if not sign:
        raise Failure(f"{where!r} is not MODULE:NAME, such as jobs:worker.", ExitCode.USAGE)
    sys.path.insert(0, str(Path.cwd()))
    try:
        loaded = import_module(module)
    except ModuleNotFoundError as error:
        raise Failure(f"There is no module {error.name!r} here.", ExitCode.USAGE) from error
    # A mistake in the module itself is told by its own traceback.
    try:
        found = getattr(loaded, name)
    except AttributeError as error:
        raise Failure(f"The module {module!r} has no {name!r}.", ExitCode.USAGE) from error
    if not isinstance(found, Worker):
        raise Failure(f"{where} is no Worker, but {type(found).__name__}.", ExitCode.USAGE)
    return found


@app.command(
    "exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
def execute(  # noqa: PLR0913 - each is an option of the command
    *,
    command: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND...", help="The program and its arguments.")
    ],
    task_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="The task's id [default: a new one].")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="The task's name.")] = None,
    kind: Annotated[str, typer.Option(metavar="KIND", help="The task's kind.")] = "exec",
    queue: Annotated[str, typer.Option(metavar="QUEUE", help="The task's queue.")] = "exec",
    label: options.Labels = None,
    job: Annotated[str | None, typer.Option(metavar="ID", help="The task's job.")] = None,
    progress_regex: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Its group is the percentage; of two groups: so many of so many "
            "[default: a number before %].",
        ),
    ] = None,
    spool: Spool = None,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """Run any program as a task; it ends with the program's own exit code.

    It works on while the server is away, and ends the program when the task is cancelled.
    """
    from farwork import clock
    from farwork.cli.connect import client_settings
    from farwork.sdk import Client, Patience
    from farwork.worker._exec import PERCENT, Execution, Tracked
    from farwork.worker._spool import folder_of

    _log_to_stderr()
    tracked = Tracked(
        task_id or clock.uuid7(clock.now()),
        name,
        kind,
        queue,
        _labels(label or []),
        job,
        PERCENT if progress_regex is None else _pattern(progress_regex),
    )
    settings = client_settings(server, key)
    patience = Patience(attempts_max=1)
    with Client(settings.server, settings.key, patience=patience, timeout_s=5.0) as client:
        execution = Execution(client, tracked, folder_of(spool or True, client.destination))
        raise typer.Exit(execution.run(command))


def _log_to_stderr() -> None:
    """What is written to the standard output is the program's."""
    import sys

    import structlog

    from farwork.telemetry import logs

    structlog.configure(
        processors=logs.processors("text"), logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )


def _labels(given: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    wrong = [key for key, sign, _ in pairs if not sign or not key]
    if wrong:
        raise Failure(f"--label {wrong[0]!r} is not KEY=VALUE.", ExitCode.USAGE)
    return {key: value for key, _, value in pairs}


def _pattern(text: str) -> Any:
    import re

    try:
        pattern = re.compile(text)
    except re.error as error:
        raise Failure(f"--progress-regex is no pattern: {error}.", ExitCode.USAGE) from error
    if pattern.groups < 1:
        raise Failure("--progress-regex has no group: put the number in ( ).", ExitCode.USAGE)
    return pattern
