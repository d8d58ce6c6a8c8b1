"""Durations as people write them."""

import re

_UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")


def seconds_of(given: str | float | None) -> float | None:
    """The seconds of "90s", "5m", "6h", "1d" or of a number. Raises `ValueError`."""
    if given is None or isinstance(given, (int, float)):
        return given
    found = _DURATION.fullmatch(given.strip())
    if found is None:
        raise ValueError(f"{given!r} is no duration; write 90s, 5m, 6h or 1d.")
    return float(found[1]) * _UNITS[found[2]]
