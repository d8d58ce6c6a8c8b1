"""The options that several commands share."""

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from farwork.cli.failures import ExitCode, Failure

Server = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="Where the server is [FARWORK_SERVER; default: http://127.0.0.1:8400]."
    ),
]
Key = Annotated[str | None, typer.Option(metavar="KEY", help="The API key [FARWORK_KEY].")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON, one object a line, for programs.")
]
Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="sqlite:////absolute/path.db or postgresql://... [FARWORK_DATABASE; "
        "default: a file in your data directory].",
    ),
]
Kinds = Annotated[list[str] | None, typer.Option("--kind", metavar="KIND", help="Of this kind.")]
Queues = Annotated[
    list[str] | None, typer.Option("--queue", metavar="QUEUE", help="Meant for this queue.")
]
Labels = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="KEY=VALUE", help="With this label; several: all of them."),
]


class Archived(StrEnum):
    """Which side of the archive."""

    NO = "no"
    ONLY = "only"
    ALSO = "also"

    @property
    def parameter(self) -> Any:
        """In the words of the API."""
        return {"no": "false", "only": "true", "also": "any"}[self]


Side = Annotated[
    Archived, typer.Option(help="Leave archived tasks out, or show only or also them.")
]


Ids = Annotated[
    list[str],
    typer.Argument(metavar="ID...", help="Ids of tasks; - reads them from the input, one a line."),
]


def all_ids(given: list[str]) -> list[str]:
    """The ids that are meant, each once: those that were given, and where - stands those read."""
    found: list[str] = []
    for one in given:
        found += [line.strip() for line in sys.stdin if line.strip()] if one == "-" else [one]
    if not found:
        raise Failure("The input names no task: one id a line is expected.", ExitCode.USAGE)
    return list(dict.fromkeys(found))
