"""Metadata: a map in which every key follows the latest statement about it."""

from collections.abc import Mapping

from farwork.domain.values import Json


def merge(
    values: dict[str, Json], marks: dict[str, str], said: Mapping[str, Json], mark: str
) -> None:
    """Take `said` (with its mark) into `values`, key by key, and note the marks.

    A key that was given at creation has no mark and yields to any statement.
    """
    for key, value in said.items():
        if marks.get(key, "") < mark:
            values[key] = value
            marks[key] = mark
