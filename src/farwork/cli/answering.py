"""What runs in each process that answers requests."""

import os
import signal
import sys
import threading
from asyncio import get_running_loop
from multiprocessing import parent_process
from multiprocessing.connection import wait

import structlog
from litestar import Litestar

from farwork import app
from farwork.config import Config


def application(settings: Config) -> Litestar:
    """The application, in a process that ends with the one that started it."""
    _log_to_stderr(settings.log_level)
    threading.Thread(target=_follow_parent, name="farwork-follower", daemon=True).start()
    built = app.build(settings)
    built.on_startup.append(_leave_interrupts_to_parent)
    return built


async def _leave_interrupts_to_parent() -> None:
    # Ctrl-C reaches every process of the terminal. The parent ends this one in order; a process
    # that ends by itself would look to it like one that crashed.
    get_running_loop().remove_signal_handler(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _log_to_stderr(level: str) -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
