"""A progress bar at a terminal."""

import sys
from collections.abc import Callable

Move = Callable[[float | None, str | None], None]
"""Shows a percentage and a message; None: as before."""


def bar(title: str) -> tuple[Move, Callable[[], None]]:
    """A bar on the standard error: what moves it, and what ends it."""
    # A script without a terminal need not load what draws there.
    from rich.console import Console  # noqa: PLC0415 - see above
    from rich.progress import (  # noqa: PLC0415 - see above
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    shown = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[message]}", markup=False),
        console=Console(file=sys.stderr),
    )
    line = shown.add_task(title, total=None, message="")
    shown.start()

    def move(percent: float | None, message: str | None) -> None:
        if percent is not None:
            shown.update(line, total=100.0, completed=percent)
        if message is not None:
            shown.update(line, message=message)

    return move, shown.stop
