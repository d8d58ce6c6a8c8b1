"""A terminal made of text."""

import io
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text


def screen(width: int = 80, *, colour: bool = False) -> Console:
    """A terminal of this width that keeps what it shows."""
    return Console(
        file=io.StringIO(),
        force_terminal=True,
        width=width,
        soft_wrap=True,
        highlight=False,
        markup=False,
        emoji=False,
        no_color=not colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
    )


def pipe() -> Console:
    """Where a program reads."""
    return Console(
        file=io.StringIO(), force_terminal=False, soft_wrap=True, highlight=False, markup=False
    )


def raw(console: Console) -> str:
    """What it was sent."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def shown(console: Console) -> str:
    """What it shows, without styles."""
    return Text.from_ansi(raw(console)).plain


def plain(lines: Iterable[Text]) -> str:
    """Lines without their styles."""
    return "\n".join(line.plain for line in lines)
