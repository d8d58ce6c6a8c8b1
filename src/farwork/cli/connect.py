"""Reaches the server, or the database, that a command works on; puts what goes wrong into words."""

import os
from collections.abc import Generator
from contextlib import contextmanager

from farwork import config
from farwork.cli.failures import ExitCode, Failure, misconfigured
from farwork.config import ClientConfig, ConfigError
from farwork.sdk import (
    BadAnswer,
    Client,
    FarworkError,
    Forbidden,
    Overloaded,
    Patience,
    Problem,
    ServerFailed,
    Unauthenticated,
    Unreachable,
)

# A person waits: what does not work at once is said at once.
PATIENCE = Patience(attempts_max=3, pause_s=0.1)


@contextmanager
def connected(
    server: str | None, key: str | None, patience: Patience = PATIENCE
) -> Generator[Client]:
    """A client for the server that is meant; its errors become failures of the command."""
    settings = client_settings(server, key)
    try:
        with Client(settings.server, settings.key, patience=patience) as client:
            yield client
    except FarworkError as error:
        raise failure_of(error, settings) from error


def client_settings(server: str | None, key: str | None) -> ClientConfig:
    """Where the server is, and the key."""
    try:
        return config.load_client(os.environ, {"server": server, "key": key})
    except ConfigError as error:
        raise misconfigured(error) from error


def failure_of(error: FarworkError, settings: ClientConfig) -> Failure:
    """The failure of a command that the server did not follow."""
    if isinstance(error, Unreachable):
        return Failure(
            f"{error} Start a server there with 'farwork serve', "
            "or say where one is with --server or FARWORK_SERVER.",
            ExitCode.UNREACHABLE,
        )
    if isinstance(error, BadAnswer):
        return Failure(
            f"{settings.server} is no Farwork server. {error} Is --server or FARWORK_SERVER right?",
            ExitCode.UNREACHABLE,
        )
    if isinstance(error, Unauthenticated):
        return Failure(_who_are_you(error, settings), ExitCode.NOT_ALLOWED)
    if isinstance(error, Forbidden):
        return Failure(str(error), ExitCode.NOT_ALLOWED)
    if isinstance(error, Overloaded | ServerFailed):
        return Failure(f"The server cannot do it just now: {error}", ExitCode.UNREACHABLE)
    return Failure(in_words(error))


def in_words(error: FarworkError) -> str:
    """An error, and everything that is wrong with the request if that is what it is about."""
    if isinstance(error, Problem) and error.errors:
        found = "; ".join(f"{one.pointer or 'body'}: {one.detail}" for one in error.errors)
        return f"{error} {found}"
    return str(error)


def _who_are_you(error: Unauthenticated, settings: ClientConfig) -> str:
    make = "'farwork keys create --role operator' makes one; run it where the database is."
    if not settings.key:
        return f"The server wants an API key: give --key or set FARWORK_KEY. {make}"
    return f"The server does not take the key {config.hide_secret(settings.key)}: {error} {make}"
