"""`farwork keys`: works on the database itself, so that the first key can be made."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from farwork.cli import options, times
from farwork.cli.failures import ExitCode, Failure, complain

app = typer.Typer(
    name="keys",
    no_args_is_help=True,
    help="Make, list and revoke API keys. Works on the database itself, not through a server.",
)


class RoleName(StrEnum):
    """What a key may be used for; each may do all that the one before it may."""

    VIEWER = "viewer"
    WORKER = "worker"
    OPERATOR = "operator"
    ADMIN = "admin"


Project = Annotated[str, typer.Option(metavar="PROJECT", help="The project that the key opens.")]


@app.command("create")
def create_key(  # noqa: PLR0913 - each is an option
    *,
    role: Annotated[
        RoleName,
        typer.Option(
            help="viewer reads; worker also reports; operator also submits, cancels, archives; "
            "admin also hands out keys."
        ),
    ],
    project: Project = "default",
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose it is; the log shows it.")
    ] = None,
    expires_in: Annotated[
        float | None,
        typer.Option(
            parser=times.typed_span,
            metavar=times.SPAN_METAVAR,
            help="It ends after 15m, 2h, 3d, 1w; without this, never.",
        ),
    ] = None,
    rate_limit: Annotated[
        Any,
        typer.Option(
            parser=times.typed_rate,
            metavar=times.RATE_METAVAR,
            help="It may make so many requests in each window of this length: 600/1m, 10/s. "
            "Without this, as many as the server allows by default.",
        ),
    ] = None,
    database: options.Database = None,
    as_json: options.AsJson = False,
) -> None:
    """Make an API key and print it.

    It is shown this once; only a hash of it is kept.
    """
    from farwork import clock
    from farwork.cli import output
    from farwork.cli.database import opened, server_settings, trail_row
    from farwork.service.access import Role, new_key
    from farwork.service.limits import Rate
    from farwork.storage import access_store, trail_store

    now = clock.now()
    rate = None if rate_limit is None else Rate(*rate_limit)
    ends = None if expires_in is None else now + int(expires_in * 1_000_000)
    row, text = new_key(project, Role[role.name], name, now=now, expires_at=ends, rate=rate)
    with opened(server_settings(database=database)) as engine, engine.begin() as connection:
        if access_store.add_project(connection, project, now) and project != "default":
            complain(f"there was no project {project!r}; it was made")
        access_store.add_key(connection, row)
        limit = {} if rate is None else {"rate": [rate.requests, rate.seconds]}
        target = f"key:{row.id}"
        said = trail_row("key.create", target, now=now, project=project, role=row.role, **limit)
        trail_store.add(connection, [said])
    if as_json:
        output.print_json({**_shown(row), "key": text})
    else:
        output.print_line(text)


@app.command("list")
def list_keys(
    *,
    project: Annotated[
        str | None, typer.Option(metavar="PROJECT", help="Of this project only.")
    ] = None,
    database: options.Database = None,
    as_json: options.AsJson = False,
) -> None:
    """List API keys, oldest first, by their ids."""
    from farwork.cli import output
    from farwork.cli.database import opened_as_it_is, server_settings
    from farwork.storage import access_store

    settings = server_settings(database=database)
    with opened_as_it_is(settings) as engine, engine.connect() as connection:
        rows = access_store.list_keys(connection, project)
    if as_json:
        for row in rows:
            output.print_json(_shown(row))
    elif rows:
        _print_table(rows)
    else:
        complain("there is no key; 'farwork keys create --role ROLE' makes one.")


@app.command("revoke")
def revoke_key(
    *,
    key_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="The key's id: what `keys list` shows, or the key itself."
        ),
    ],
    database: options.Database = None,
    as_json: options.AsJson = False,
) -> None:
    """Make an API key worthless: everywhere, when this returns."""
    from farwork import clock
    from farwork.cli import output
    from farwork.cli.database import opened, server_settings, trail_row, until_nobody_trusts
    from farwork.storage import access_store, trail_store

    # Who has the key has its id too.
    wanted = key_id.split("_")[1] if key_id.count("_") == 2 else key_id  # noqa: PLR2004 - fw_ID_secret
    with opened(server_settings(database=database)) as engine, engine.begin() as connection:
        now = clock.now()
        if not access_store.revoke_key(connection, wanted, None, now):
            row = access_store.get_key(connection, wanted)
            found = "is revoked already" if row else "does not exist; 'farwork keys list' shows all"
            raise Failure(f"The key {wanted!r} {found}.", ExitCode.NO)
        row = access_store.get_key(connection, wanted)
        assert row is not None, "it was revoked just now"
        said = trail_row("key.revoke", f"key:{wanted}", now=now, project=row.project)
        trail_store.add(connection, [said])
    until_nobody_trusts()
    if as_json:
        output.print_json(_shown(row))
    else:
        output.print_line(f"{wanted} is revoked.")


def _shown(row: Any) -> dict[str, Any]:
    from farwork.domain.values import moment

    when = ("created_at", "expires_at", "revoked_at")
    shown = {name: getattr(row, name) for name in ("id", "project", "name", "role")}
    limited = row.requests_max is not None
    limit = {"requests": row.requests_max, "seconds": row.window_seconds} if limited else None
    shown["rate_limit"] = limit
    at = {name: getattr(row, name) for name in when}
    return shown | {name: None if found is None else moment(found) for name, found in at.items()}


def _print_table(rows: list[Any]) -> None:
    from farwork.cli.output import console, styled
    from farwork.cli.table import Column, Table
    from farwork.domain.values import moment

    now = times.present()
    table = Table(
        console(),
        [
            Column("ID"),
            Column("ROLE"),
            Column("PROJECT", weight=3, shrinks_to=8),
            Column("NAME", weight=2, shrinks_to=8),
            Column("CREATED", weight=1),
            Column("STANDS"),
        ],
    )
    table.add(
        [
            [
                styled(row.id),
                styled(row.role),
                styled(row.project),
                styled(row.name or ""),
                styled(times.ago(moment(row.created_at), now), "dim"),
                _stands(row, now),
            ]
            for row in rows
        ]
    )


def _stands(row: Any, now: Any) -> Any:
    from farwork.cli.output import styled
    from farwork.domain.values import moment

    if row.revoked_at is not None:
        return styled(f"revoked {times.ago(moment(row.revoked_at), now)}", "red")
    if row.expires_at is None:
        return styled("valid", "green")
    ends = moment(row.expires_at)
    text = f"expired {times.ago(ends, now)}" if ends <= now else f"ends {times.ago(ends, now)}"
    return styled(text, "red" if ends <= now else "yellow")
