"""The options that several commands share."""

from typing import Annotated

import typer

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
