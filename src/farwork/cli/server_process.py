"""Runs the server: one process that watches over those that answer."""

import os
from contextlib import ExitStack, suppress
from functools import partial
from threading import Event
from typing import Any

from granian.constants import Interfaces, Loops, RuntimeModes
from granian.log import LogLevels
from granian.server.mp import MPServer
from sqlalchemy import Engine

from farwork import __version__, clock, config
from farwork.cli import output

# The processes that answer are forked from this one: what it has loaded, they need not load.
from farwork.cli.answering import CLOSING, application
from farwork.cli.database import opened, sqlite_file
from farwork.cli.failures import ExitCode, Failure, complain
from farwork.cli.listening import reserved, url_of, when_answered
from farwork.cli.serving import Lock
from farwork.config import Config
from farwork.service.access import DEFAULT_PROJECT, Role, new_key
from farwork.storage import access_store

# Followers sit in long polls; so many requests may be under way at once.
REQUESTS_MAX = 10_000
STOP_SECONDS_MAX = 10
_LOGS: dict[str, Any] = {
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "generic",
            "stream": "ext://sys.stderr",
        }
    },
    "loggers": {"_granian": {"handlers": ["console"], "level": "WARNING", "propagate": False}},
}


def run(settings: Config, *, as_json: bool) -> int:
    """Serve until told to stop; the exit code."""
    with ExitStack() as stack:
        lock = Lock(sqlite_file(settings.database))
        stack.callback(lock.release)
        with opened(settings) as engine:
            lock.take()
            port = stack.enter_context(reserved(settings.host, settings.port))
            admin_key = _first_key(engine) if settings.auth_on else None
        url = url_of(settings.host, port)
        lock.sign(f"process {os.getpid()} at {url}")
        announce = partial(_announce, settings, url, admin_key, as_json=as_json)
        answered = stack.enter_context(when_answered(settings.host, port, announce))
        try:
            server = _server(settings, port)
            server.answered = answered
            server.serve(target_loader=partial(application, settings), wrap_loader=False)
        except SystemExit:
            raise Failure("The server could not go on.", ExitCode.UNREACHABLE) from None
        finally:
            if admin_key and not answered.is_set():
                # It is in the database; nobody could find it out later.
                complain(f"an admin key was made: {admin_key}")
    return ExitCode.DONE


class _Server(MPServer):
    """Tells its processes that the end is near before it ends them."""

    answered: Event
    """Whether somebody was answered yet."""

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        """A wish to stop came in."""
        workers: list[Any] = self.wrks
        for worker in workers:
            if self.answered.is_set():
                with suppress(ProcessLookupError):
                    os.kill(worker.inner.pid, CLOSING)
            else:
                # Where nobody was answered there is nothing to bring to an end, and granian would
                # not hear a signal that comes while it starts.
                worker.kill()
        super().signal_handler_interrupt(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType] - granian leaves it untyped


def _server(settings: Config, port: int) -> _Server:
    return _Server(
        "farwork",
        address=settings.host,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=settings.processes,
        runtime_mode=RuntimeModes.st,
        backpressure=REQUESTS_MAX,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS_MAX,
        log_level=LogLevels.warning,
        log_dictconfig=_LOGS,
    )


def _first_key(engine: Engine) -> str | None:
    """An admin key, if there is no key at all; several servers that start at once make one."""
    row, text = new_key(DEFAULT_PROJECT, Role.ADMIN, "first", now=clock.now())
    with engine.begin() as connection:
        access_store.add_project(connection, DEFAULT_PROJECT, row.created_at)
        access_store.hold_project(connection, DEFAULT_PROJECT)
        if access_store.list_keys(connection, None):
            return None
        access_store.add_key(connection, row)
    return text


def _announce(settings: Config, url: str, admin_key: str | None, *, as_json: bool) -> None:
    file = sqlite_file(settings.database)
    data = str(file.absolute()) if file else config.hide_password(settings.database)
    if as_json:
        said = {"url": url, "data": data, "auth": settings.auth, "admin_key": admin_key}
        output.print_json({"version": __version__, "pid": os.getpid(), **said})
        return
    auth = (
        "callers show an API key" if settings.auth_on else "off: anybody on this machine is admin"
    )
    lines = [f"Farwork {__version__} listens on {url}", f"  data  {data}", f"  auth  {auth}"]
    if admin_key:
        lines += [f"  key   {admin_key}", "        This admin key is shown once; keep it, and"]
        lines += [f"        export FARWORK_KEY={admin_key}"]
    output.print_lines([*lines, "Ctrl-C stops it."])
