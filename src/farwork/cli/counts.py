"""`farwork counts`: how many tasks there are."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from farwork.cli import options

app = typer.Typer()


class By(StrEnum):
    """What tasks are counted by."""

    STATE = "state"
    QUEUE = "queue"
    KIND = "kind"


@app.command("counts")
def count_tasks(
    *,
    by: Annotated[By, typer.Option(help="Count by this.")] = By.STATE,
    archived: Annotated[
        bool, typer.Option("--archived", help="Count the archived tasks instead of the others.")
    ] = False,
    as_json: options.AsJson = False,
    server: options.Server = None,
    key: options.Key = None,
) -> None:
    """Count tasks; it takes the same time however many there are."""
    from farwork.cli.connect import connected

    with connected(server, key) as client:
        found = client.count_tasks(by.value, archived=archived)
    if as_json:
        from farwork.cli.output import print_json

        for word, count in found.counts.items():
            print_json({by.value: word, "tasks": count})
    else:
        _print_table(by, found)


def _print_table(by: By, found: Any) -> None:
    from farwork.cli.output import STATE_STYLES, console, styled
    from farwork.cli.table import Column, Table

    # States in the order in which a task goes through them, the rest by how many there are.
    places = list(STATE_STYLES)
    counts = sorted(
        found.counts.items(),
        key=lambda one: places.index(one[0]) if by is By.STATE else (-one[1], one[0]),
    )
    table = Table(console(), [Column(by.value.upper()), Column("TASKS", right=True)])
    rows = [
        [styled(word or "(none)", STATE_STYLES.get(word, "")), styled(count)]
        for word, count in counts
    ]
    table.add([*rows, [styled("total", "dim"), styled(found.total, "bold")]])
