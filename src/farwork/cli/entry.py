"""Runs a command line: loads the commands that it needs, and turns what goes wrong into words."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from farwork import __version__
from farwork.cli.failures import ExitCode, Failure, complain

# In the order of the help. A command line loads the module of its own command only.
COMMANDS = {
    "serve": "farwork.cli.serve",
    "migrate": "farwork.cli.serve",
    "keys": "farwork.cli.keys",
    "users": "farwork.cli.users",
    "ls": "farwork.cli.ls",
    "get": "farwork.cli.get",
    "tail": "farwork.cli.tail",
    "wait": "farwork.cli.wait",
    "counts": "farwork.cli.counts",
    "submit": "farwork.cli.submit",
    "cancel": "farwork.cli.verbs",
    "retry": "farwork.cli.verbs",
    "archive": "farwork.cli.verbs",
    "restore": "farwork.cli.verbs",
    "adopt": "farwork.cli.verbs",
    "delete": "farwork.cli.verbs",
    "worker": "farwork.cli.work",
    "exec": "farwork.cli.work",
    "queues": "farwork.cli.steering",
    "workers": "farwork.cli.steering",
    "retention": "farwork.cli.retention",
    "hold": "farwork.cli.retention",
    "release": "farwork.cli.retention",
    "hooks": "farwork.cli.hooks",
    "export": "farwork.cli.transfer",
    "import": "farwork.cli.transfer",
    "backup": "farwork.cli.keeping",
    "verify": "farwork.cli.keeping",
    "copy": "farwork.cli.keeping",
    "doctor": "farwork.cli.doctor",
    "config": "farwork.cli.settings",
    "version": "farwork.cli.settings",
}


_STDOUT = 1


def application(words: Sequence[str] = ()) -> typer.Typer:
    """The application with the command that a line begins with, or with all of them."""
    own = COMMANDS.get(words[0]) if words else None
    app = typer.Typer(
        name="farwork",
        help="The record of, and the controls for, tasks that run elsewhere.",
        epilog="The exit codes are explained in docs/cli.md.",
        no_args_is_help=True,
        # Typer loads a library to look at an option that is not given; a command that needs none
        # of these shall not wait for it.
        add_completion=own is None,
        add_help_option=own is None,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(_common)
    for module in dict.fromkeys(COMMANDS.values() if own is None else [own]):
        inner: typer.Typer = import_module(module).app
        names = [command.name for command in inner.registered_commands]
        app.add_typer(inner, add_help_option=not any(word in names for word in words[1:2]))
    return app


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if wanted:
        print(f"farwork {__version__}")
        raise typer.Exit


def _common(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """The options before any command."""


def run(arguments: Sequence[str]) -> int:
    """The exit code of a command line."""
    app = application(arguments)
    try:
        code = app(list(arguments), prog_name="farwork", standalone_mode=False)
        sys.stdout.flush()
    except Failure as failure:
        complain(failure.message)
        return failure.code
    except typer.TyperException as error:
        return _misused(error)
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except (BrokenPipeError, SystemExit) as error:
        # Typer makes an exit with 1 of a closed pipe, and one with 0 of a wish for completions.
        if isinstance(error, SystemExit) and error.code != 1:
            raise
        # Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
        return ExitCode.PIPE_CLOSED
    return code if isinstance(code, int) else ExitCode.DONE


def _misused(error: typer.TyperException) -> int:
    context: typer.Context | None = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message())
        return ExitCode.USAGE
    path = "farwork" if context is None else context.command_path
    message = error.format_message().replace("\n", " ").replace("Value error, ", "")
    end = "" if message.endswith((".", "?")) else "."
    complain(f"{message}{end} '{path} --help' says what can be said.")
    return ExitCode.USAGE
