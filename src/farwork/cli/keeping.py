"""`farwork backup`, `verify` and `copy`: work on databases themselves, without a server."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from farwork.cli import options
from farwork.cli.failures import ExitCode, Failure, complain

app = typer.Typer()

SHOWN_MAX = 20


@app.command()
def backup(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy is to be.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of a file that is there.")
    ] = False,
    database: options.Database = None,
    as_json: options.AsJson = False,
) -> None:
    """Copy a SQLite database into a file, while it is being served.

    The copy is of one moment, and is checked; it can be served as it is. For PostgreSQL this says
    what to do with pg_dump.
    """
    import sqlite3

    from farwork.cli.database import server_settings, shown, sqlite_file
    from farwork.storage import file_backup

    settings = server_settings(database=database)
    source = sqlite_file(settings.database)
    if source is None:
        raise Failure(_with_pg_dump(shown(settings), file), ExitCode.USAGE)
    if not source.exists():
        raise Failure(f"There is no database at {source}.", ExitCode.UNREACHABLE)
    if file.exists() and not replace:
        raise Failure(f"{file} is there already; --replace takes its place.", ExitCode.USAGE)
    show = _pages_shown()
    try:
        size = file_backup.back_up(source, file, show)
        faults = file_backup.faults(file)
    except (sqlite3.Error, OSError) as error:
        raise Failure(f"{source} cannot be copied: {error}.", ExitCode.UNREACHABLE) from error
    if faults:
        raise Failure(f"{file} is damaged, as {source} is: {faults[0]}.", ExitCode.NO)
    _say({"file": str(file), "bytes": size}, f"{file} holds all of {source}.", as_json=as_json)


def _with_pg_dump(url: str, file: Path) -> str:
    return (
        "PostgreSQL has a tool for this: "
        f"pg_dump --format=custom --file={file} '{url}'; "
        "docs/backup.md says how it is restored."
    )


@app.command()
def verify(*, database: options.Database = None, as_json: options.AsJson = False) -> int:
    """Check that a database agrees with itself: every task with its log, counters, feed, hooks.

    It reads everything once, as of one moment, while a server goes on. The exit code is 1 if
    something does not agree.
    """
    from farwork.cli.database import opened_as_it_is, server_settings, shown
    from farwork.storage.audit import reading_all
    from farwork.storage.schema import REVISION, UNFINISHED, revision_of, unfinished_copy

    settings = server_settings(database=database)
    count = 0
    with opened_as_it_is(settings) as engine, reading_all(engine) as connection:
        revision = revision_of(connection)
        if revision == UNFINISHED:
            raise Failure(unfinished_copy(engine), ExitCode.UNREACHABLE)
        if revision != REVISION:
            message = f"{shown(settings)} has the schema {revision}, not {REVISION}"
            raise Failure(f"{message}: 'farwork migrate' renews it.", ExitCode.UNREACHABLE)
        for check, found in _disagreements(connection):
            count += 1
            if as_json:
                _say({"check": check, "detail": found}, "", as_json=True)
            elif count <= SHOWN_MAX:
                complain(f"{check}: {found}")
    if not as_json and count > SHOWN_MAX:
        complain(f"{count - SHOWN_MAX} more do not agree; --json tells of them.")
    if not count:
        _say({"check": "all", "detail": None}, "All agrees.", as_json=as_json)
    return ExitCode.NO if count else ExitCode.DONE


def _disagreements(connection: Any) -> Iterator[tuple[str, str]]:
    from farwork.storage import audit
    from farwork.storage.log_check import unlike_their_logs

    checks: dict[str, Callable[[Any], Any]] = {
        "counters": audit.disagreements,
        "feed": audit.holes,
        "hooks": audit.hooks_astray,
        "tasks": unlike_their_logs,
    }
    for name, check in checks.items():
        for found in check(connection):
            yield name, found


@app.command("copy")
def copy_installation(
    *,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The database to copy.")],
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="An empty database, on whichever engine.")
    ],
    as_json: options.AsJson = False,
) -> None:
    """Copy a whole installation into an empty database: sqlite:///... or postgresql://...

    No server may be running on either. If it is interrupted, the same command goes on where it was.
    At the end both sides are compared, row by row; only then can the target be served.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from farwork.cli.database import failing_clearly, opened_as_it_is, server_settings, shown
    from farwork.cli.serving import Lock
    from farwork.storage.copying import CopyRefused, copy
    from farwork.storage.engine import open_engine
    from farwork.storage.errors import reason_of

    ours, theirs = server_settings(database=source), server_settings(database=target)
    if ours.database == theirs.database:
        raise Failure("The source and the target are the same database.", ExitCode.USAGE)
    with opened_as_it_is(ours) as reading, _unserved(ours, Lock), _unserved(theirs, Lock):
        engine = open_engine(theirs.database)
        try:
            with failing_clearly(theirs), engine.connect():
                pass
            done = copy(reading, engine, _rows_shown())
        except CopyRefused as error:
            raise Failure(str(error), ExitCode.NO) from error
        except SQLAlchemyError as error:
            # Either of them may have said so.
            text = f"Copying {shown(ours)} into {shown(theirs)} stopped: {reason_of(error)}."
            raise Failure(text, ExitCode.UNREACHABLE) from error
        finally:
            engine.dispose()
    said = {"tables": done.tables, "rows": done.rows, "went_on": done.went_on}
    text = f"{shown(theirs)} holds all of {shown(ours)}: {done.rows} rows."
    _say(said, text, as_json=as_json)


def _unserved(settings: Any, lock_of: Callable[[Path | None], Any]) -> Any:
    """Keeps servers off a SQLite file meanwhile."""
    from farwork.cli.database import sqlite_file

    file = sqlite_file(settings.database)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    lock = lock_of(file)
    lock.take()
    lock.sign("being copied")
    return closing(_Held(lock))


class _Held:
    def __init__(self, lock: Any) -> None:
        self._lock = lock

    def close(self) -> None:
        self._lock.release()


def _pages_shown() -> Callable[[int, int], None]:
    say = _said_on_terminal()
    return lambda done, all_: say(f"{100 * done // max(1, all_)} %")


def _rows_shown() -> Callable[[str, int], None]:
    say = _said_on_terminal()
    return lambda table, rows: say(f"{table}: {rows} rows")


def _said_on_terminal() -> Callable[[str], None]:
    """Says how far it is, where a person watches."""
    import sys

    if not sys.stderr.isatty():
        return lambda _far: None
    return lambda far: print(f"\r\x1b[K{far}", end="", file=sys.stderr, flush=True)


def _say(said: dict[str, Any], text: str, *, as_json: bool) -> None:
    from farwork.cli import output

    if as_json:
        output.print_json(said)
    else:
        output.print_line(text)
