"""The port that the server listens on: found free before, known to answer after."""

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException

from farwork.cli.failures import ExitCode, Failure

LOOK_SECONDS = 0.01
ANSWER_SECONDS_MAX = 2.0
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound to


def url_of(host: str, port: int) -> str:
    """Where a server that listens there is found."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


@contextmanager
def reserved(host: str, port: int) -> Generator[int]:
    """The port, found free; one that was chosen here (port 0) is kept from others until the end."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        message = f"--host {host!r} is no address: {error.strerror}."
        raise Failure(message, ExitCode.USAGE) from error
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if port == 0:
            # The server's own socket shares the port with this one, which never listens.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise Failure(
                f"Cannot listen on {url_of(host, port)}: {error.strerror}. "
                "--port takes another port, 0 a free one.",
                ExitCode.UNREACHABLE,
            ) from error
        if port == 0:
            yield probe.getsockname()[1]
            return
    yield port


@contextmanager
def when_answered(host: str, port: int, announce: Callable[[], None]) -> Generator[threading.Event]:
    """Announces the server as soon as it answers; the event says that it did.

    A connection alone says little: it may be taken before anybody is there to answer.
    """
    over, announced = threading.Event(), threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            if _answers(_ANY.get(host, host), port):
                announced.set()
                announce()
                return

    looking = threading.Thread(target=look, name="farwork-announcer", daemon=True)
    looking.start()
    try:
        yield announced
    finally:
        over.set()


def _answers(host: str, port: int) -> bool:
    with closing(HTTPConnection(host, port, timeout=ANSWER_SECONDS_MAX)) as connection:
        try:
            connection.request("GET", "/healthz")
            connection.getresponse()
        except (OSError, HTTPException):
            return False
        return True
