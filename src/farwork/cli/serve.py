"""`farwork serve` and `farwork migrate`."""

from enum import StrEnum
from typing import Annotated

import typer

from farwork.cli import options

app = typer.Typer()


class Auth(StrEnum):
    """Whether callers must show an API key."""

    ON = "on"
    OFF = "off"


@app.command()
def serve(
    *,
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Where to listen [FARWORK_HOST; default: 127.0.0.1]."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT", help="The port; 0 takes a free one [FARWORK_PORT; default: 8400]."
        ),
    ] = None,
    database: options.Database = None,
    auth: Annotated[
        Auth | None,
        typer.Option(
            help="Whether callers must show an API key; off on a loopback address only "
            "[FARWORK_AUTH; default: on]."
        ),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="How many processes; several need PostgreSQL [FARWORK_PROCESSES; default: 1].",
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> int:
    """Serve the API until Ctrl-C.

    On the first start it makes the database and an admin key, which it prints this once.
    """
    from farwork.cli.database import server_settings
    from farwork.cli.serving import shared_counts

    settings = server_settings(
        host=host, port=port, database=database, auth=auth, processes=processes
    )
    with shared_counts(settings.processes):
        from farwork.cli import server_process

        return server_process.run(settings, as_json=as_json)


@app.command()
def migrate(*, database: options.Database = None, as_json: options.AsJson = False) -> None:
    """Bring the database's schema up to date, as `serve` does too."""
    from farwork.cli import output
    from farwork.cli.database import opened, server_settings, shown
    from farwork.storage.schema import REVISION

    settings = server_settings(database=database)
    with opened(settings):
        pass
    if as_json:
        output.print_json({"database": shown(settings), "schema": REVISION})
    else:
        output.print_line(f"{shown(settings)} has the schema {REVISION}.")
