"""`farwork export` and `farwork import`: whole tasks, as lines of JSON."""

import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from farwork.cli import options
from farwork.cli.failures import ExitCode, Failure, complain
from farwork.cli.options import Kinds, Labels, Queues
from farwork.domain.values import TaskState

app = typer.Typer()

REFUSALS_SHOWN = 20
REPORT_EVERY = 1_000


@app.command("export")
def export_tasks(  # noqa: PLR0913 - one option a filter
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to this file, when complete."),
    ] = None,
    state: Annotated[
        list[TaskState] | None,
        typer.Option("--state", metavar="STATE", help="In this state only."),
    ] = None,
    kind: Kinds = None,
    queue: Queues = None,
    label: Labels = None,
    job: Annotated[str | None, typer.Option(metavar="ID", help="Of this job only.")] = None,
    archived: options.Side = options.Archived.ALSO,
    _as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, one object a line, as it does anyway.")
    ] = True,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """Write whole tasks as lines of JSON, which `import` takes.

    Each line is a task with its history. A file that is named by --output is complete or not there.
    """
    from farwork.cli.connect import connected

    with connected(server, key) as client, _written(output) as file:
        lines = client.export_tasks(
            states=[str(one) for one in state or []],
            kinds=kind,
            queues=queue,
            labels=label,
            job_id=job,
            archived=archived.parameter,
        )
        shown = _counter("exported")
        for count, line in enumerate(lines, start=1):
            file.write(line + b"\n")
            shown(count)


@contextmanager
def _written(output: Path | None) -> Generator[IO[bytes]]:
    """Where to write; a file gets its name only when all is in it."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    unfinished = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(output)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        message = f"{output} cannot be written: {error.strerror}."
        raise Failure(message, ExitCode.USAGE) from error
    finally:
        unfinished.unlink(missing_ok=True)


@app.command("import")
def import_tasks(
    *,
    file: Annotated[
        str | None,
        typer.Argument(metavar="[FILE|-]", help="One JSON object a line, or a JSON list."),
    ] = None,
    from_uniqc: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Read the task database of a uniqc installation."),
    ] = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> int:
    """Take whole tasks, as `export` writes them.

    It needs the role admin. A task that has the id of one that is there replaces it, so an import
    may be repeated. The exit code is 1 if some were refused; each is told with its line and the
    reason.
    """
    from farwork.cli.connect import connected

    if (file is None) == (from_uniqc is None):
        raise Failure("Give a FILE (- is the input), or --from-uniqc.", ExitCode.USAGE)
    shown = _counter("sent")
    source = _lines(file) if from_uniqc is None else _uniqc_lines(from_uniqc)
    with source as lines, connected(server, key) as client:
        found = client.import_tasks(_counted(lines, shown))
    if as_json:
        from farwork.cli.output import print_json

        print_json(found)
    else:
        _print_summary(found)
    return ExitCode.NO if found.refused else ExitCode.DONE


def _print_summary(found: Any) -> None:
    from farwork.cli.output import print_line

    jobs = f", {found.jobs} jobs" if found.jobs else ""
    print_line(f"{found.created} created, {found.replaced} replaced, {found.refused} refused{jobs}")
    for refusal in found.refusals[:REFUSALS_SHOWN]:
        complain(f"line {refusal.line} ({refusal.id or 'without an id'}): {refusal.reason}")
    if found.refused > REFUSALS_SHOWN:
        complain(f"{found.refused - REFUSALS_SHOWN} more were refused; --json tells of them.")


@contextmanager
def _uniqc_lines(file: Path) -> Generator[Iterator[bytes]]:
    """The tasks of a uniqc database, as lines."""
    from farwork.service.uniqc_file import UniqcFileError, open_uniqc

    try:
        with open_uniqc(file) as tasks:
            for id_ in tasks.hidden():
                complain(f"{id_} is active and archived too; the active one is taken.")
            yield tasks.lines()
    except UniqcFileError as error:
        raise Failure(str(error), ExitCode.USAGE) from error


@contextmanager
def _lines(file: str | None) -> Generator[Iterator[bytes]]:
    """The lines of a file, or of its list."""
    if file == "-":
        yield _objects(sys.stdin.buffer)
        return
    try:
        opened = Path(file or "").open("rb")  # noqa: SIM115 - closed below; errors of use are others
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}.", ExitCode.USAGE) from error
    with opened:
        yield _objects(opened)


def _objects(file: IO[bytes]) -> Iterator[bytes]:
    first = file.readline()
    if not first.lstrip().startswith(b"["):
        yield first
        yield from file
        return
    import msgspec

    try:
        for record in msgspec.json.decode(first + file.read(), type=list[msgspec.Raw]):
            yield msgspec.json.format(bytes(record), indent=-1)
    except msgspec.DecodeError as error:
        raise Failure(f"The list is not JSON: {error}.", ExitCode.USAGE) from error


def _counted(lines: Iterator[bytes], shown: Callable[[int], None]) -> Iterator[bytes]:
    for count, line in enumerate(lines, start=1):
        yield line
        shown(count)


def _counter(word: str) -> Callable[[int], None]:
    """Says how far it is, where a person watches."""
    if not sys.stderr.isatty():
        return lambda _count: None

    def shown(count: int) -> None:
        if count % REPORT_EVERY == 0:
            print(f"\r{count} {word}", end="", file=sys.stderr, flush=True)

    return shown
