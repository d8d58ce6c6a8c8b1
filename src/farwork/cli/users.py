"""`farwork users`: works on the database itself, so that the first user can be made."""

import sys
from typing import Annotated, Any

import typer

from farwork.cli import options, times
from farwork.cli.failures import ExitCode, Failure, complain
from farwork.cli.keys import RoleName

app = typer.Typer(
    name="users",
    no_args_is_help=True,
    help="Make, list, change and delete users. Works on the database itself, not through a server.",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the user types to sign in.")]
Role = Annotated[
    RoleName,
    typer.Option(
        help="viewer reads; worker also reports; operator also submits, cancels, archives; "
        "admin also hands out keys and makes users."
    ),
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the input; else ask.")
]


@app.command("create")
def create_user(  # noqa: PLR0913 - each is an option
    *,
    name: Name,
    role: Role,
    project: Annotated[
        str, typer.Option(metavar="PROJECT", help="The project that the user belongs to.")
    ] = "default",
    full_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name for people to read.")
    ] = None,
    email: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where to write to.")] = None,
    password_stdin: PasswordStdin = False,
    database: options.Database = None,
    as_json: options.AsJson = False,
) -> None:
    """Make a user; asks for the password unless it comes from the input."""
    from farwork import clock
    from farwork.cli import output
    from farwork.cli.database import opened, server_settings, trail_row
    from farwork.service.access import Role as Roles
    from farwork.service.users import NewUser, new_row
    from farwork.storage import access_store, trail_store, user_store

    password = _password(name, from_input=password_stdin)
    new = NewUser(name, Roles[role.name], None, project, full_name, email)
    _check_name(name)
    now = clock.now()
    row = new_row(new, project, _hashed(password, name), now=now)
    with opened(server_settings(database=database)) as engine, engine.begin() as connection:
        access_store.add_project(connection, project, now)
        if not user_store.add(connection, row):
            raise Failure(f"There is a user {name!r} already.", ExitCode.NO)
        said = trail_row("user.create", f"user:{name}", now=now, project=project, role=row.role)
        trail_store.add(connection, [said])
    if as_json:
        output.print_json(_shown(row))
    else:
        output.print_line(f"{name} can sign in.")


@app.command("list")
def list_users(
    *,
    project: Annotated[
        str | None, typer.Option(metavar="PROJECT", help="Of this project only.")
    ] = None,
    database: options.Database = None,
    as_json: options.AsJson = False,
) -> None:
    """List users by name."""
    from farwork.cli import output
    from farwork.cli.database import opened_as_it_is, server_settings
    from farwork.storage import user_store

    settings = server_settings(database=database)
    with opened_as_it_is(settings) as engine, engine.connect() as connection:
        rows = user_store.page(connection, project, after="", limit=sys.maxsize)
    if as_json:
        for row in rows:
            output.print_json(_shown(row))
    elif rows:
        _print_table(rows)
    else:
        complain("there is no user; 'farwork users create NAME --role ROLE' makes one.")


@app.command("set")
def set_user(  # noqa: PLR0913 - each is an option
    *,
    name: Name,
    role: Annotated[RoleName | None, typer.Option(help="What the user may do.")] = None,
    disabled: Annotated[
        bool | None,
        typer.Option("--disable/--enable", help="Keep the user out, or let it in again."),
    ] = None,
    password_stdin: PasswordStdin = False,
    new_password: Annotated[
        bool, typer.Option("--password", help="Ask for a new password.")
    ] = False,
    database: options.Database = None,
    as_json: options.AsJson = False,
) -> None:
    """Change a user. A new password, and --disable, end its sessions."""
    from farwork import clock
    from farwork.cli import output
    from farwork.cli.database import opened, server_settings, trail_row, until_nobody_trusts
    from farwork.storage import access_store, session_store, trail_store, user_store

    now = clock.now()
    values: dict[str, Any] = {}
    if role is not None:
        values["role"] = role.value
    if disabled is not None:
        values["disabled_at"] = now if disabled else None
    if new_password or password_stdin:
        password = _password(name, from_input=password_stdin)
        values |= {"password_hash": _hashed(password, name), "password_changed_at": now}
    if not values:
        raise Failure("Nothing is to change; say --role, --disable or --password.", ExitCode.USAGE)
    with opened(server_settings(database=database)) as engine, engine.begin() as connection:
        found = _found(connection, name)
        user_store.change(connection, found.id, values)
        if disabled or "password_hash" in values:
            session_store.end_all(connection, found.id, now, "command line")
        changed = sorted({"password_hash": "password"}.get(one, one) for one in values)
        target = f"user:{found.name}"
        said = trail_row("user.change", target, now=now, project=found.project, changed=changed)
        trail_store.add(connection, [said])
        access_store.announce(connection)
        row = user_store.by_id(connection, found.id)
    until_nobody_trusts()
    if as_json:
        output.print_json(_shown(row))
    else:
        output.print_line(f"{found.name} is changed.")


@app.command("delete")
def delete_user(
    *, name: Name, database: options.Database = None, as_json: options.AsJson = False
) -> None:
    """Delete a user; its sessions end."""
    from farwork import clock
    from farwork.cli import output
    from farwork.cli.database import opened, server_settings, trail_row, until_nobody_trusts
    from farwork.storage import access_store, session_store, trail_store, user_store

    with opened(server_settings(database=database)) as engine, engine.begin() as connection:
        found = _found(connection, name)
        session_store.forget_user(connection, found.id)
        user_store.remove(connection, found.id)
        target, now = f"user:{found.name}", clock.now()
        trail_store.add(
            connection, [trail_row("user.delete", target, now=now, project=found.project)]
        )
        access_store.announce(connection)
    until_nobody_trusts()
    if as_json:
        output.print_json(_shown(found))
    else:
        output.print_line(f"{found.name} is deleted.")


def _found(connection: Any, name: str) -> Any:
    from farwork.storage import user_store

    found = user_store.by_name(connection, name.lower())
    if found is None:
        raise Failure(f"There is no user {name!r}; 'farwork users list' shows all.", ExitCode.NO)
    return found


def _check_name(name: str) -> None:
    import msgspec

    from farwork.protocol.users import UserName

    try:
        msgspec.convert(name, UserName)
    except msgspec.ValidationError:
        raise Failure(
            f"{name!r} is no name for a user: letters, digits and . _ @ + - make one.",
            ExitCode.USAGE,
        ) from None


def _password(name: str, *, from_input: bool) -> str:
    from getpass import getpass

    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Failure("Nobody can be asked for a password; use --password-stdin.", ExitCode.USAGE)
    password = getpass(f"Password for {name}: ", stream=sys.stderr)
    if getpass("The same again: ", stream=sys.stderr) != password:
        raise Failure("The passwords differ.", ExitCode.USAGE)
    return password


def _hashed(password: str, name: str) -> str:
    from farwork.service.passwords import PasswordUnfit, check_fit, hashed

    try:
        check_fit(password, name)
    except PasswordUnfit as error:
        raise Failure(error.detail, ExitCode.USAGE) from None
    return hashed(password)


def _shown(row: Any) -> dict[str, Any]:
    from farwork.domain.values import moment

    said = {name: getattr(row, name) for name in ("name", "project", "role", "full_name", "email")}
    when = {name: getattr(row, name) for name in ("created_at", "last_login_at", "disabled_at")}
    return said | {name: None if at is None else moment(at) for name, at in when.items()}


def _print_table(rows: list[Any]) -> None:
    from farwork.cli.output import console, styled
    from farwork.cli.table import Column, Table
    from farwork.domain.values import moment

    now = times.present()
    table = Table(
        console(),
        [
            Column("NAME", weight=3, shrinks_to=8),
            Column("ROLE"),
            Column("PROJECT", weight=2, shrinks_to=8),
            Column("SIGNED IN"),
            Column("STANDS"),
        ],
    )
    table.add(
        [
            [
                styled(row.name),
                styled(row.role),
                styled(row.project),
                styled(times.ago(moment(row.last_login_at), now) if row.last_login_at else "never"),
                styled("disabled", "red") if row.disabled_at else styled("valid", "green"),
            ]
            for row in rows
        ]
    )
