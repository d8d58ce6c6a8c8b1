"""Writes docs/cli.md: what stands there by hand, and the help of every command.

python -m tests.support.cli_reference
"""

from collections.abc import Iterator
from typing import Any

import typer.main

from farwork.cli.entry import application
from farwork.cli.failures import ExitCode
from tests.support.repository import ROOT

PAGE = ROOT / "docs" / "cli.md"
CODES = ("<!-- exit codes -->", "<!-- end of exit codes -->")
HELP = ("<!-- commands -->", "<!-- end of commands -->")
WIDTH = 100
# The page tells of these once.
EVERYWHERE = {"--server", "--key", "--json"}


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, under its full name, in the order of the help."""
    yield from _below("farwork", typer.main.get_command(application()))


def _below(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, one in inner.items():
        yield from _below(f"{path} {name}", one)


def page() -> str:
    """The page as it should be."""
    text = PAGE.read_text()
    text = _replaced(text, CODES, "\n".join(_codes()))
    return _replaced(text, HELP, "\n".join(_help()))


def _replaced(text: str, marks: tuple[str, str], by: str) -> str:
    before, _, rest = text.partition(marks[0])
    _, _, after = rest.partition(marks[1])
    return f"{before}{marks[0]}\n{by}\n{marks[1]}{after}"


def _codes() -> Iterator[str]:
    yield "| code | meaning |"
    yield "|---|---|"
    for code in ExitCode:
        yield f"| {code:d} | {code.meaning} |"


def _help() -> Iterator[str]:
    for path, command in commands():
        yield f"\n### {path.removeprefix('farwork ')}\n\n```text"
        yield _text(path, command)
        yield "```"


def _text(path: str, command: Any) -> str:
    for option in command.params:
        option.hidden = not EVERYWHERE.isdisjoint(option.opts)
    command.add_help_option = False
    *parents, name = path.split()
    context: Any = None
    group = typer.main.get_command(application())
    for parent in parents:
        context = command.context_class(group, info_name=parent, parent=context)
    context = command.make_context(
        name, [], parent=context, resilient_parsing=True, terminal_width=WIDTH
    )
    return str(command.get_help(context)).rstrip()


if __name__ == "__main__":
    PAGE.write_text(page())
