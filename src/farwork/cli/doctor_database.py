"""What is to be known about a database without a server."""

import shutil
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from farwork import clock
from farwork.cli import doctor_loops, serving
from farwork.cli.database import opened_as_it_is, shown, sqlite_file
from farwork.cli.failures import Failure
from farwork.cli.findings import Finding, Findings, bad, good, note
from farwork.config import Config
from farwork.storage import access_store, audit, sessions
from farwork.storage.engine import open_engine
from farwork.storage.errors import reason_of
from farwork.storage.schema import REVISION, UNFINISHED, revision_of

FREE_BYTES_NOTED = 2 << 30
FREE_BYTES_MIN = 200 << 20
SHOWN_MAX = 5
_GIB = 1 << 30


def findings(settings: Config) -> Findings:
    """Is it there, ours, up to date, writable; has it room; do its numbers agree?"""
    try:
        with opened_as_it_is(settings) as engine:
            yield from _found_in(engine, settings)
    except Failure as failure:
        yield bad("database", failure.message)


def _found_in(engine: Engine, settings: Config) -> Findings:
    with engine.connect() as connection:
        revision = revision_of(connection)
    yield good("database", f"{shown(settings)} can be read.")
    file = sqlite_file(settings.database)
    if file is not None:
        yield room(shutil.disk_usage(file.parent).free)
    if revision != REVISION:
        yield _outdated(revision)
        return
    yield good("schema", f"It is up to date ({REVISION}).")
    if file is not None:
        yield from _sqlite(engine, file)
    yield _writing(settings)
    yield from _keys(engine)
    yield from doctor_loops.findings(engine, is_served=_is_served(engine, file))
    yield from _numbers(engine)


def _is_served(engine: Engine, file: Path | None) -> bool:
    if file is not None:
        return serving.holder(file) is not None
    with engine.connect() as connection:
        return sessions.others(connection) > 0


def _outdated(revision: str | None) -> Finding:
    if revision is None:
        return bad("schema", "There is nothing of Farwork in it.", "'farwork migrate' makes it.")
    if revision == UNFINISHED:
        detail = "It is the target of an unfinished copy."
        return bad("schema", detail, "The same 'farwork copy' goes on where it was.")
    if revision < REVISION:
        return bad("schema", f"It is {revision}, not {REVISION}.", "'farwork migrate' renews it.")
    detail = f"It is {revision}, made by a newer Farwork; this one knows {REVISION}."
    return bad("schema", detail, "Use the newer program.")


def room(free_bytes: int) -> Finding:
    """Whether the disk has room."""
    detail = f"{free_bytes / _GIB:.1f} GiB are free where it lies."
    if free_bytes < FREE_BYTES_MIN:
        return bad("disk", detail, "Make room: without it nothing can be written.")
    if free_bytes < FREE_BYTES_NOTED:
        return note("disk", detail, "Make room before it is used up.")
    return good("disk", detail)


def _sqlite(engine: Engine, file: Path) -> Findings:
    with engine.connect() as connection:
        mode, synchronous = audit.sqlite_settings(connection)
    if (mode, synchronous) == ("wal", 2):
        yield good("sqlite", "Its journal is a write-ahead log, and every commit is synced.")
    else:
        yield bad(
            "sqlite",
            f"journal_mode is {mode}, synchronous is {synchronous}; wal and 2 (full) are needed.",
            "Let no other program change the file's settings.",
        )
    holder = serving.holder(file)
    if holder:
        yield good("serving", f"It is being served ({holder}).")
    else:
        yield note("serving", "No server is serving it at present.")


def _writing(settings: Config) -> Finding:
    engine = open_engine(settings.database)
    try:
        with engine.connect() as connection:
            audit.try_to_write(connection)
    except SQLAlchemyError as error:
        return bad("writing", f"It cannot be written: {reason_of(error)}.")
    else:
        return good("writing", "It can be written.")
    finally:
        engine.dispose()


def _keys(engine: Engine) -> Findings:
    with engine.connect() as connection:
        now = clock.now()
        valid = [
            row
            for row in access_store.list_keys(connection, None)
            if row.revoked_at is None and (row.expires_at is None or row.expires_at > now)
        ]
    admins = sum(row.role == "admin" for row in valid)
    detail = f"{len(valid)} valid, {admins} of them for an admin."
    if admins:
        yield good("keys", detail)
    else:
        yield note("keys", detail, "'farwork keys create --role admin' makes one.")


def _numbers(engine: Engine) -> Findings:
    with audit.at_one_moment(engine).connect() as connection:
        found = audit.disagreements(connection)
    for difference in found[:SHOWN_MAX]:
        yield bad("counters", difference)
    if len(found) > SHOWN_MAX:
        yield bad("counters", f"{len(found) - SHOWN_MAX} more do not agree.")
    if found:
        advice = "Export, and import into a fresh database; and please tell the makers of Farwork."
        yield bad("counters", f"{len(found)} numbers are wrong.", advice)
    else:
        yield good("counters", "They equal a recount.")
