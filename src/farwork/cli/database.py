"""Opens the database that a command works on by itself, without a server."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from farwork import clock, config
from farwork.cli.failures import ExitCode, Failure, misconfigured
from farwork.config import Config, ConfigError
from farwork.domain.values import Instant
from farwork.service.access import SECOND, TRUST_US
from farwork.service.audit import entry
from farwork.storage.engine import open_engine, parse_url
from farwork.storage.errors import DatabaseUnusable, reason_of
from farwork.storage.schema import migrate
from farwork.storage.trail_store import TrailRow


def server_settings(**given: object) -> Config:
    """The configuration of a server."""
    try:
        return config.load(os.environ, given)
    except ConfigError as error:
        raise misconfigured(error) from error


def sqlite_file(database: str) -> Path | None:
    """The file of a SQLite database; None: it is PostgreSQL."""
    url = parse_url(database)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def shown(settings: Config) -> str:
    """The database as people may see it."""
    return config.hide_password(settings.database)


@contextmanager
def opened(settings: Config) -> Generator[Engine]:
    """The database with its schema up to date, made if it is not there yet."""
    with failing_clearly(settings):
        engine = open_engine(settings.database)
        try:
            migrate(engine)
            yield engine
        finally:
            engine.dispose()


@contextmanager
def opened_as_it_is(settings: Config) -> Generator[Engine]:
    """The database for reading, unchanged. Fails if there is none."""
    with failing_clearly(settings):
        file = sqlite_file(settings.database)
        if file is not None and not file.exists():
            raise Failure(
                f"There is no database at {file}; 'farwork serve' or 'farwork migrate' makes one.",
                ExitCode.UNREACHABLE,
            )
        engine = open_engine(settings.database, read_only=True)
        try:
            yield engine
        finally:
            engine.dispose()


def trail_row(action: str, target: str, *, now: Instant, project: str, **details: Any) -> TrailRow:
    """What the audit trail says of a change that was made here, by whoever runs the command."""
    try:
        who = getuser()
    except (OSError, KeyError):
        who = str(os.getuid())
    return entry(f"cli:{who}", action, target, now=now, project=project, **details)


def until_nobody_trusts() -> None:
    """Return when no server process uses any more what it knew before the change."""
    clock.pause(TRUST_US / SECOND)


@contextmanager
def failing_clearly(settings: Config) -> Generator[None]:
    """Puts what is wrong with the database into words."""
    try:
        yield
    except DatabaseUnusable as error:
        raise Failure(str(error), ExitCode.UNREACHABLE) from error
    except SQLAlchemyError as error:
        message = f"The database {shown(settings)} cannot be used: {reason_of(error)}."
        raise Failure(message, ExitCode.UNREACHABLE) from error
