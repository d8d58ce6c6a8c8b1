"""`farwork config` and `farwork version`."""

from typing import Any

import typer

from farwork import __version__
from farwork.cli import options
from farwork.cli.failures import ExitCode, complain

app = typer.Typer()


@app.command("config")
def show_config(
    *,
    database: options.Database = None,
    server: options.Server = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> int:
    """Show the configuration, and where each value comes from.

    Secrets are blanked. All problems are listed; the exit code is 2 if there is one.
    """
    import os

    from farwork import config
    from farwork.cli import output

    found = {
        "server": config.look(config.Config, os.environ, {"database": database}),
        "client": config.look(config.ClientConfig, os.environ, {"server": server, "key": key}),
    }
    rows = [
        {"for": use, "setting": name, "value": value, "from": loaded.origins[name]}
        for use, loaded in found.items()
        for name, value in loaded.shown().items()
    ]
    if as_json:
        for row in rows:
            output.print_json(row)
    else:
        _print_table(rows)
    for name, meant in config.strangers(os.environ).items():
        complain(f"{name} is no setting" + (f"; {meant} is." if meant else "."))
    problems = [problem for loaded in found.values() for problem in loaded.problems]
    for problem in problems:
        complain(problem)
    return ExitCode.USAGE if problems else ExitCode.DONE


def _print_table(rows: list[dict[str, Any]]) -> None:
    from farwork.cli.output import console, styled
    from farwork.cli.table import Column, Table

    table = Table(console(), [Column("FOR"), Column("SETTING"), Column("VALUE"), Column("FROM")])
    for use in ("server", "client"):
        table.add(
            [
                [
                    styled(use if place == 0 else "", "bold"),
                    styled(row["setting"]),
                    styled(row["value"]),
                    styled(row["from"], "dim" if row["from"] == "default" else "cyan"),
                ]
                for place, row in enumerate(row for row in rows if row["for"] == use)
            ]
        )


@app.command("version")
def show_version(*, as_json: options.AsJson = False) -> None:
    """Show the version."""
    from farwork.cli import output

    if as_json:
        output.print_json({"version": __version__})
    else:
        output.print_line(f"farwork {__version__}")
