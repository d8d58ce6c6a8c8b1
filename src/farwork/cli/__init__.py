"""The command line: `farwork`."""

import os
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, help="The record and the controls for tasks that run elsewhere."
)
keys_app = typer.Typer(no_args_is_help=True, help="API keys.")
app.add_typer(keys_app, name="keys")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option()] = None,
    port: Annotated[int | None, typer.Option()] = None,
    database: Annotated[str | None, typer.Option()] = None,
    auth: Annotated[str | None, typer.Option()] = None,
    processes: Annotated[int | None, typer.Option()] = None,
) -> None:
    """Serve the API."""
    from dataclasses import fields  # noqa: PLC0415

    from granian.constants import Interfaces, Loops  # noqa: PLC0415
    from granian.server import Server  # noqa: PLC0415

    from farwork import config  # noqa: PLC0415
    from farwork.storage.engine import open_engine  # noqa: PLC0415
    from farwork.storage.schema import migrate as migrate_schema  # noqa: PLC0415

    given = {"host": host, "port": port, "database": database, "auth": auth, "processes": processes}
    settings = config.load(os.environ, given)
    engine = open_engine(settings.database)
    migrate_schema(engine)
    engine.dispose()
    for f in fields(settings):
        os.environ[config.PREFIX + f.name.upper()] = str(getattr(settings, f.name))
    Server(
        "farwork.app:from_environment",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=settings.processes,
        factory=True,
        log_access=False,
    ).serve()


@keys_app.command("create")
def create_key(
    role: Annotated[str, typer.Option()],
    project: Annotated[str, typer.Option()] = "default",
    name: Annotated[str | None, typer.Option()] = None,
    database: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Make an API key and print it."""
    from farwork import clock, config  # noqa: PLC0415
    from farwork.service.access import Role, new_key  # noqa: PLC0415
    from farwork.storage import access_store  # noqa: PLC0415
    from farwork.storage.engine import open_engine  # noqa: PLC0415
    from farwork.storage.schema import migrate as migrate_schema  # noqa: PLC0415

    settings = config.load(os.environ, {"database": database})
    engine = open_engine(settings.database)
    migrate_schema(engine)
    row, text = new_key(project, Role[role.upper()], name, now=clock.now())
    with engine.begin() as connection:
        access_store.add_project(connection, project, row.created_at)
        access_store.add_key(connection, row)
    engine.dispose()
    typer.echo(text)


def main() -> None:
    """Run the command line."""
    app()
