"""The command line: `farwork`."""

import typer

from farwork import __version__

app = typer.Typer(
    no_args_is_help=True, help="The record and the controls for tasks that run elsewhere."
)


@app.callback()
def farwork() -> None:
    """The record and the controls for tasks that run elsewhere."""


@app.command()
def version() -> None:
    typer.echo(__version__)


def main() -> None:
    app()
