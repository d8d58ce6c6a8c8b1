"""`farwork doctor`: looks whether an installation is in order, and says what to do."""

import os
from collections.abc import Iterator
from typing import Any

import typer

from farwork import config
from farwork.cli import options
from farwork.cli.failures import ExitCode
from farwork.cli.findings import Finding, Findings, Verdict, bad, good, note

app = typer.Typer()

_MARKS = {Verdict.GOOD: "ok", Verdict.NOTE: "note", Verdict.BAD: "BAD"}
_STYLES = {Verdict.GOOD: "green", Verdict.NOTE: "yellow", Verdict.BAD: "bold red"}


@app.command("doctor")
def examine(
    *,
    database: options.Database = None,
    server: options.Server = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> int:
    """Check a running server, a database, or both, and say what to do.

    With --server only the server is checked, with --database only the database, else both. The
    exit code is 1 if something is wrong. Checking the database reads every task once.
    """
    given = {"database": database, "server": server, "key": key}
    printed = _json_printed if as_json else _line_printer()
    verdicts: list[Verdict] = []
    for finding in _findings(given):
        printed(finding)
        verdicts.append(finding.verdict)
    return ExitCode.NO if Verdict.BAD in verdicts else ExitCode.DONE


def _findings(given: dict[str, Any]) -> Iterator[Finding]:
    server = config.look(config.Config, os.environ, given)
    client = config.look(config.ClientConfig, os.environ, given)
    problems = [*server.problems, *client.problems]
    yield from _configuration(problems)
    if problems:
        return
    named = {
        "database": server.origins["database"] != "default",
        "server": client.origins["server"] != "default",
    }
    if named["server"] or not named["database"]:
        from farwork.cli import doctor_server

        yield from doctor_server.findings(client.values)
    if named["database"] or not named["server"]:
        from farwork.cli import doctor_database

        yield from doctor_database.findings(server.values)


def _configuration(problems: list[str]) -> Findings:
    for problem in problems:
        yield bad("configuration", problem, "'farwork config' shows where each value comes from.")
    for name, meant in config.strangers(os.environ).items():
        advice = f"Did you mean {meant}?" if meant else "It has no effect."
        yield note("configuration", f"{name} is no setting.", advice)
    if not problems:
        yield good("configuration", "It can be used.")


def _json_printed(finding: Finding) -> None:
    from farwork.cli.output import print_json

    print_json(finding)


def _line_printer() -> Any:
    from rich.text import Text

    from farwork.cli.output import console, styled

    terminal = console()

    def printed(finding: Finding) -> None:
        mark = styled(_MARKS[finding.verdict].ljust(5), _STYLES[finding.verdict])
        terminal.print(Text.assemble(mark, finding.check.ljust(14), " ", styled(finding.detail)))
        if finding.advice:
            terminal.print(Text.assemble(" " * 20, styled(finding.advice, "dim")))

    return printed
