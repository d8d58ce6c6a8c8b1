"""On PostgreSQL other processes commit too: their notifications wake this one."""

import threading
from collections.abc import Callable

import psycopg
import structlog
from sqlalchemy.engine import URL

from farwork.storage.engine import FEED_CHANNEL, READY_CHANNEL, parse_url

log = structlog.get_logger()

# How long a listener sits in one wait before it looks whether it shall stop.
POLL_S = 0.5
RECONNECT_S = 1.0


class Listener:
    """A thread that holds one connection and listens; it reconnects by itself."""

    def __init__(
        self,
        database: str,
        wake: Callable[[], None],
        ring: Callable[[str], None] = lambda _told: None,
    ) -> None:
        self._dsn = _dsn(parse_url(database))
        self._wake = wake
        self._ring = ring
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
            connection.execute(f"LISTEN {FEED_CHANNEL}")
            connection.execute(f"LISTEN {READY_CHANNEL}")
            # What was committed while nobody listened.
            self._wake()
            self._ring("")
            while not self._closing.is_set():
                for notification in connection.notifies(timeout=POLL_S, stop_after=1):
                    if notification.channel == READY_CHANNEL:
                        self._ring(notification.payload)
                    else:
                        self._wake()


def _dsn(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
