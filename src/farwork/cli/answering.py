"""What runs in each process that answers requests."""

import os
import signal
import sys
import threading
from asyncio import get_running_loop
from functools import partial
from multiprocessing import parent_process
from multiprocessing.connection import wait

import structlog
from litestar import Litestar

from farwork import app
from farwork.config import Config
from farwork.realtime.hub import Hub
from farwork.telemetry import logs

CLOSING = signal.SIGUSR1
"""Tells a process that the end is near: whoever waits for news is sent home."""


def application(settings: Config) -> Litestar:
    """The application, in a process that ends with the one that started it."""
    for number in (signal.SIGINT, CLOSING):
        # What comes too early for an answer must not end the process on its own.
        signal.signal(number, signal.SIG_IGN)
    _log_to_stderr(settings.log_level, settings.log_format)
    threading.Thread(target=_follow_parent, name="farwork-follower", daemon=True).start()
    built = app.build(settings)
    built.on_startup += [_leave_interrupts_to_parent, partial(_listen_for_closing, built.state.hub)]
    return built


async def _listen_for_closing(hub: Hub) -> None:
    # Granian ends a process when its last request has ended, and long polls take their time.
    get_running_loop().add_signal_handler(CLOSING, hub.close)


async def _leave_interrupts_to_parent() -> None:
    # Ctrl-C reaches every process of the terminal. The parent ends this one in order; a process
    # that ends by itself would look to it like one that crashed.
    get_running_loop().remove_signal_handler(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), CLOSING)
        os.kill(os.getpid(), signal.SIGTERM)


def _log_to_stderr(level: str, form: str) -> None:
    structlog.configure(
        processors=logs.processors(form),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
