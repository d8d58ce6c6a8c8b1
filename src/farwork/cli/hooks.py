"""`farwork hooks`: who is told of what happens, and how that goes."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from farwork.cli import options, times
from farwork.cli.failures import ExitCode, Failure, complain
from farwork.cli.options import Kinds, Labels, Queues

app = typer.Typer(
    name="hooks", no_args_is_help=True, help="Who is told of what happens, and how that goes."
)

HookId = Annotated[str, typer.Argument(metavar="ID", help="The hook's id.")]


class On(StrEnum):
    """How much an event must change."""

    ALL = "all"
    STATE = "state"
    END = "end"


class Form(StrEnum):
    """The form of a message."""

    JSON = "json"
    CLOUDEVENTS = "cloudevents"


class Ended(StrEnum):
    """How a delivery ended."""

    FAILED = "failed"
    DELIVERED = "delivered"
    ABANDONED = "abandoned"


@app.command("create")
def create_hook(  # noqa: PLR0913 - one option a filter
    *,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to send.")],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What it is for.")] = None,
    on: Annotated[
        On, typer.Option(help="All events, or what changes a state, or what ends a task.")
    ] = On.ALL,
    kind: Kinds = None,
    queue: Queues = None,
    label: Labels = None,
    job: Annotated[
        list[str] | None, typer.Option("--job", metavar="ID", help="About tasks of this job.")
    ] = None,
    event_type: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", help="Of this type, such as task.reported."),
    ] = None,
    form: Annotated[
        Form, typer.Option("--format", help="Our own JSON, or CloudEvents 1.0.")
    ] = Form.JSON,
    token: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="Sent along as a bearer token.")
    ] = None,
    after: Annotated[
        int | None,
        typer.Option(metavar="POSITION", min=0, help="Begin behind this event; else from now on."),
    ] = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """Make a hook and print its id and its secret.

    The secret is shown this once; with it the receiver checks the signatures.
    """
    from farwork.cli import output
    from farwork.cli.connect import connected
    from farwork.sdk import EventFilter

    wanted = EventFilter(
        types=event_type or [],
        jobs=job or [],
        kinds=kind or [],
        queues=queue or [],
        labels=_labels(label or []),
        on=on.value,
    )
    with connected(server, key) as client:
        made = client.create_hook(
            url, name=name, wanted=wanted, format=form.value, token=token, after=after
        )
    if as_json:
        output.print_json(made)
    else:
        output.print_lines([made.id, made.secret])


def _labels(given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not (name and sign):
            raise Failure(f"{one!r} is not KEY=VALUE.", ExitCode.USAGE)
        found[name] = value
    return found


@app.command("list")
def list_hooks(
    *,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """List hooks, oldest first."""
    from farwork.cli import output
    from farwork.cli.connect import connected

    with connected(server, key) as client:
        found = list(client.list_hooks())
    if as_json:
        for hook in found:
            output.print_json(hook)
    elif found:
        _print_hooks(found)
    else:
        complain("there is no hook; 'farwork hooks create URL' makes one.")


def _print_hooks(found: list[Any]) -> None:
    from farwork.cli.output import console, styled
    from farwork.cli.table import Column, Table

    now = times.present()
    columns = [Column("ID"), Column("STANDS"), Column("URL", weight=3, shrinks_to=20)]
    columns += [Column("NAME", weight=2, shrinks_to=8), Column("CREATED", weight=1)]
    Table(console(), columns).add(
        [
            [
                styled(hook.id),
                _stands(hook, now),
                styled(hook.url),
                styled(hook.name or ""),
                styled(times.ago(hook.created_at, now), "dim"),
            ]
            for hook in found
        ]
    )


def _stands(hook: Any, now: Any) -> Any:
    from farwork.cli.output import styled

    if hook.state == "disabled":
        return styled(f"disabled ({hook.reason})", "red")
    if hook.circuit.state == "open":
        return styled(f"failing since {times.ago(hook.circuit.failing_since, now)}", "yellow")
    return styled("active", "green")


@app.command("get")
def get_hook(
    *,
    hook_id: HookId,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """Show a hook, how sending goes, and how many deliveries are in which state."""
    from farwork.cli import output
    from farwork.cli.connect import connected

    with connected(server, key) as client:
        hook = client.get_hook(hook_id)
    if as_json:
        output.print_json(hook)
        return
    counted = ", ".join(f"{number} {state}" for state, number in hook.deliveries.items())
    lines = [
        f"{hook.id}  {hook.name or ''}".rstrip(),
        f"  to         {hook.url}",
        f"  about      {output.as_json(hook.filter)}",
        f"  stands     {_stands(hook, times.present()).plain}",
        f"  sent       {counted or 'nothing yet'}",
    ]
    if hook.circuit.last_error:
        lines.append(f"  last error {hook.circuit.last_error}")
    output.print_lines(lines)


@app.command("test")
def try_hook(
    *,
    hook_id: HookId,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> int:
    """Send a test message at once; the exit code is 1 if the receiver does not take it."""
    from farwork.cli import output
    from farwork.cli.connect import connected

    with connected(server, key) as client:
        made = client.try_hook(hook_id)
    if as_json:
        output.print_json(made)
    elif made.ok:
        output.print_line(f"The receiver answered {made.status} after {made.latency_ms:.0f} ms.")
    else:
        complain(made.error or "It was not taken.")
    return ExitCode.DONE if made.ok else ExitCode.NO


@app.command("rotate")
def rotate_secret(
    *,
    hook_id: HookId,
    keep: Annotated[
        float,
        typer.Option(
            parser=times.typed_span,
            metavar=times.SPAN_METAVAR,
            help="For so long the old secret signs too: 15m, 2h, 3d.",
        ),
    ] = "1d",  # pyright: ignore[reportArgumentType] - Typer parses it
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """Give a hook another secret and print it, this once."""
    from farwork.cli import output
    from farwork.cli.connect import connected

    with connected(server, key) as client:
        made = client.rotate_hook_secret(hook_id, keep_seconds=int(keep))
    if as_json:
        output.print_json(made)
    else:
        output.print_line(made.secret)


@app.command("enable")
def enable_hook(
    *,
    hook_id: HookId,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """Send again to a hook that was disabled; it is told of what happened meanwhile."""
    _set_state(hook_id, "active", server, key, as_json=as_json)


@app.command("disable")
def disable_hook(
    *,
    hook_id: HookId,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """Send nothing more to a hook until it is enabled."""
    _set_state(hook_id, "disabled", server, key, as_json=as_json)


def _set_state(
    hook_id: str, state: Any, server: str | None, key: str | None, *, as_json: bool
) -> None:
    from farwork.cli import output
    from farwork.cli.connect import connected
    from farwork.sdk import HookPatch

    with connected(server, key) as client:
        hook = client.change_hook(hook_id, HookPatch(state=state))
    if as_json:
        output.print_json(hook)
    else:
        output.print_line(f"{hook.id} is {hook.state}.")


@app.command("delete")
def delete_hook(
    *,
    hook_id: HookId,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """Remove a hook, and what it was yet to be sent."""
    from farwork.cli import output
    from farwork.cli.connect import connected

    with connected(server, key) as client:
        client.delete_hook(hook_id)
    if as_json:
        output.print_json({"id": hook_id, "deleted": True})
    else:
        output.print_line(f"{hook_id} is removed.")


@app.command("deliveries")
def list_deliveries(
    *,
    hook_id: HookId,
    state: Annotated[
        list[str] | None,
        typer.Option(metavar="STATE", help="due, waiting, delivered, failed, abandoned."),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="So many at most.")] = 50,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """List what a hook was sent and is yet to be sent, latest first."""
    from farwork.cli import output
    from farwork.cli.connect import connected

    with connected(server, key) as client:
        found = list(client.list_deliveries(hook_id, states=state, limit=limit))
    if as_json:
        for delivery in found:
            output.print_json(delivery)
    elif found:
        _print_deliveries(found)
    else:
        complain("there is no such delivery.")


def _print_deliveries(found: list[Any]) -> None:
    from farwork.cli.output import console, styled
    from farwork.cli.table import Column, Table

    styles = {"delivered": "green", "failed": "red", "abandoned": "red", "due": "yellow"}
    now = times.present()
    columns = [Column("ID", right=True), Column("STATE"), Column("TRIES", right=True)]
    columns += [Column("TYPE", weight=3), Column("ABOUT", weight=4, shrinks_to=8)]
    columns += [Column("LAST ANSWER", weight=2, shrinks_to=12), Column("NEXT", weight=1)]
    rows: list[list[Any]] = []
    for one in found:
        last = one.tries[-1] if one.tries else None
        said = "" if last is None else last.error or str(last.status)
        later = "" if one.next_try_at is None else times.ago(one.next_try_at, now)
        rows.append(
            [
                styled(one.id),
                styled(one.state, styles.get(one.state, "dim")),
                styled(len(one.tries)),
                styled(one.type),
                styled(one.subject),
                styled(said),
                styled(later, "dim"),
            ]
        )
    Table(console(), columns).add(rows)


@app.command("redeliver")
def redeliver(  # noqa: PLR0913 - one option a filter
    *,
    hook_id: HookId,
    delivery: Annotated[
        list[int] | None,
        typer.Argument(metavar="[DELIVERY]...", help="Ids of deliveries; without, all failed."),
    ] = None,
    state: Annotated[
        list[Ended] | None, typer.Option(help="All that ended so, instead of those that failed.")
    ] = None,
    after: Annotated[
        int, typer.Option(metavar="POSITION", min=0, help="Behind this event only.")
    ] = 0,
    until: Annotated[
        int | None, typer.Option(metavar="POSITION", min=0, help="Up to this event only.")
    ] = None,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """Make deliveries again: these, or all that failed."""
    from farwork.cli import output
    from farwork.cli.connect import connected
    from farwork.sdk import RedeliverIn

    if delivery and (state or after or until is not None):
        raise Failure("Give deliveries, or what to choose them by, not both.", ExitCode.USAGE)
    with connected(server, key) as client:
        if delivery:
            for one in delivery:
                client.redeliver(hook_id, one)
            count = len(delivery)
        else:
            wanted = RedeliverIn(after=after)
            if until is not None:
                wanted.until = until
            if state:
                wanted.states = [one.value for one in state]
            count = client.redeliver_many(hook_id, wanted).count
    if as_json:
        output.print_json({"count": count})
    else:
        output.print_line(f"{count} made again.")
