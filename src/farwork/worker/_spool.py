"""The spool: what is said goes first to a local file, and from there to the server, in order.

Whatever happens to the server or the network, what was finished is not lost. The server recognises
what comes again, so a letter that was sent and not yet crossed out does no harm.
"""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from farwork import config
from farwork.sdk import FarworkError, InvalidRequest, NotFound, Refused
from farwork.worker._letters import Letter, Letters
from farwork.worker._log import log, tell_mistake

AT_ONCE_MAX = 100
PAUSE_S = 0.2
PAUSE_S_MAX = 15.0
DOUBLINGS_MAX = 10


class Spool:
    """Letters that wait to be delivered, and the thread that delivers them."""

    def __init__(
        self,
        folder: Path | None,
        send: Callable[[str, Sequence[bytes]], None],
        refused: Callable[[str, bytes, InvalidRequest], None] | None = None,
    ) -> None:
        """`send` delivers letters of one kind, or raises a `FarworkError`.

        A letter that the server will never take is given to `refused`.
        """
        self._send = send
        self._refused = refused
        self._folder = folder
        self._letters = Letters(None)
        self._news = threading.Condition()
        self._closing = False
        self._is_away = False
        self._thread = threading.Thread(target=self._run, name="farwork-spool", daemon=True)

    def open(self) -> None:
        """Begin to deliver, what an earlier process left behind first."""
        self._letters = Letters(self._folder)
        self._thread.start()

    def close(self, patience_s: float) -> None:
        """Deliver what waits, for so many seconds at most; the rest stays in the file."""
        with self._news:
            self._closing = True
            self._news.notify_all()
        self._thread.join(patience_s)

    def add(self, kind: str, body: bytes) -> None:
        """Keep a letter; it is safe from here on."""
        self._letters.add(kind, body)
        with self._news:
            self._news.notify_all()

    @property
    def waiting(self) -> int:
        """How many letters have not been delivered."""
        return self._letters.waiting

    # --- the thread ---

    def _run(self) -> None:
        try:
            self._deliver_all()
        finally:
            self._letters.close()

    def _deliver_all(self) -> None:
        tried = 0
        while True:
            batch = self._letters.oldest(AT_ONCE_MAX)
            if not batch:
                with self._news:
                    if self._closing:
                        return
                    if not self.waiting:
                        self._news.wait()
                continue
            if self._deliver(batch):
                tried, self._is_away = 0, False
                continue
            tried = min(tried + 1, DOUBLINGS_MAX)
            with self._news:
                if self._closing:
                    return
                self._news.wait(min(PAUSE_S * 2**tried, PAUSE_S_MAX))

    def _deliver(self, batch: list[Letter]) -> bool:
        """Send letters and cross them out; False: the server cannot take them now."""
        try:
            self._send(batch[0][1], [body for _, _, body in batch])
        except (Refused, NotFound) as refusal:
            log.warning("something was said too late", error=str(refusal))
        except InvalidRequest as refusal:
            if len(batch) > 1:
                return all(self._deliver([one]) for one in batch)
            if not self._turn_away(batch[0], refusal):
                return False
        except FarworkError as error:
            if not self._is_away:
                log.warning("reports wait for the server", error=str(error), letters=len(batch))
            self._is_away = True
            return False
        except Exception as error:  # noqa: BLE001 - a loop that ended here would lose all that follows
            # The loop outlives a mistake, of ours or of who closed the client under it.
            tell_mistake("reports cannot be sent", error)
            return False
        self._letters.cross_out(batch)
        return True

    def _turn_away(self, letter: Letter, refusal: InvalidRequest) -> bool:
        """Say what becomes of a letter that is never taken; False: that cannot be said now."""
        _, kind, body = letter
        log.warning("the server does not take this", error=str(refusal), body=body[:1_000])
        if self._refused is not None:
            try:
                self._refused(kind, body, refusal)
            except (Refused, NotFound, InvalidRequest) as again:
                log.warning("nor this", error=str(again))
            except FarworkError:
                return False
        return True


def folder_of(spool: "Path | str | bool", destination: str) -> Path | None:
    """The folder that is meant; True: that of the settings, one for each server and key."""
    if spool is True:
        return config.spool_folder(os.environ) / destination
    return None if spool is False else Path(spool)
