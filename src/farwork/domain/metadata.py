"""Metadata: a map in which every key follows the latest statement about it."""

from collections.abc import Mapping

from farwork.domain.marks import command_mark
from farwork.domain.values import Instant, Json


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


def change(
    values: dict[str, Json], marks: dict[str, str], said: Mapping[str, Json], now: Instant
) -> None:
    """Take what an operator says `now` into `values`: more than all that was said; null removes.

    The mark of a removed key stays, so that nothing older brings the key back.
    """
    for key, value in said.items():
        marks[key] = command_mark(now, marks.get(key, ""))
        if value is None:
            values.pop(key, None)
        else:
            values[key] = value
