"""On PostgreSQL other processes commit too: their notifications wake this one.

Word that something was taken back from a caller comes the same way.
"""

import threading
from collections.abc import Callable, Mapping

import psycopg
import structlog
from psycopg import sql
from sqlalchemy.engine import URL

from farwork.storage.engine import parse_url

log = structlog.get_logger()

# How long a listener sits in one wait before it looks whether it shall stop.
POLL_S = 0.5
RECONNECT_S = 1.0


class Listener:
    """A thread that holds one connection and listens to channels; it reconnects by itself."""

    def __init__(self, database: str, calls: Mapping[str, Callable[[str], None]]) -> None:
        """`calls`: what is called with what each channel tells; "" where something was missed."""
        self._dsn = _dsn(parse_url(database))
        self._calls = calls
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="farwork-listener", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                log.warning("feed listener lost its connection", error=str(error).strip())
                self._closing.wait(RECONNECT_S)

    def _listen(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            for channel, call in self._calls.items():
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                # What was committed while nobody listened.
                call("")
            while not self._closing.is_set():
                for notification in connection.notifies(timeout=POLL_S, stop_after=1):
                    self._calls[notification.channel](notification.payload)


def _dsn(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
