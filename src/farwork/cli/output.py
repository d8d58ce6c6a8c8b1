"""What commands print: styled where a person watches, plain where a program reads."""

import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.style import Style
from rich.text import Text

STATE_STYLES = {
    "created": "dim",
    "blocked": "yellow",
    "queued": "cyan",
    "running": "bold blue",
    "succeeded": "green",
    "failed": "bold red",
    "cancelled": "magenta",
}


def console() -> Console:
    """The terminal, or whatever stands in for it; lines are never broken or cut for it.

    Rich looks whether it is a terminal, how wide it is, and whether NO_COLOR asks for none.
    """
    return Console(soft_wrap=True, highlight=False, markup=False, emoji=False)


def printable(text: str) -> str:
    """The text on one line, with whatever would steer a terminal spelled out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def styled(text: object, style: str | Style = "") -> Text:
    """One line of text in a style."""
    return Text(printable(str(text)), style=style, no_wrap=True, end="")


def paragraph(text: str, style: str = "") -> Text:
    """Text in a style that keeps its own line breaks."""
    return Text("\n".join(printable(line) for line in text.splitlines()), style=style)


def state_text(state: str, reason: str | None = None) -> Text:
    """A state and its reason."""
    text = styled(state, STATE_STYLES.get(state, ""))
    if reason:
        text.append(f" ({printable(reason)})", style="dim")
    return text


def as_json(value: Any) -> str:
    """A value as JSON on one line."""
    return msgspec.json.encode(value).decode()


def print_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    sys.stdout.write(as_json(value) + "\n")
    sys.stdout.flush()


def print_line(text: str) -> None:
    """Print a line as it is."""
    print_lines([text])


def print_lines(lines: list[str]) -> None:
    """Print lines, all at once."""
    sys.stdout.write("".join(f"{printable(line)}\n" for line in lines))
    sys.stdout.flush()
