"""Whoever silences a tool says which rule, and why."""

import re
import tokenize
from pathlib import Path

from tests.support.repository import python_files, shown

SUPPRESSION = re.compile(r"#\s*(noqa|type:|pyright:|ruff:|pragma:|nosec|fmt:)")
EXCUSED = re.compile(
    r"""(
      \#\ noqa:\ [A-Z]+\d+(,\ ?[A-Z]+\d+)*\ -\ \S.*
    | \#\ pyright:\ ignore\[\w+(,\ ?\w+)*\]\ -\ \S.*
    | \#\ pragma:\ no\ (cover|branch)\ -\ \S.*
    | \#\ fmt:\ (off|on|skip)(\ -\ \S.*)?
    )$""",
    re.VERBOSE,
)


def test_every_suppression_names_its_rule_and_its_reason() -> None:
    bare = [
        f"{shown(path)}:{line}: {comment}"
        for path in python_files()
        for line, comment in comments(path)
        if SUPPRESSION.search(comment) and not EXCUSED.search(comment)
    ]
    assert bare == []


def comments(path: Path) -> list[tuple[int, str]]:
    with path.open("rb") as file:
        tokens = tokenize.tokenize(file.readline)
        return [(t.start[0], t.string) for t in tokens if t.type == tokenize.COMMENT]
