"""Times as searches give them: milliseconds, ISO 8601 with `Z`, or relative to now; pure."""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from farwork.domain.values import Instant, instant, moment

_RELATIVE = re.compile(
    r"\s*(?:(?P<now>now)\s*)?(?:(?P<sign>[+-])\s*(?P<count>\d{1,6})\s*(?P<unit>[a-z]+))?\s*",
    re.IGNORECASE | re.ASCII,
)
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?Z", re.ASCII)
_SPANS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_MONTHS = {"month": 1, "year": 12}
_MILLISECOND = 1_000
MS_MAX = 253_402_300_799_999
MS_MIN = -62_135_596_800_000
RULE = "must be milliseconds since 1970, a time like 2016-11-30T15:47:00Z, or one like now - 1 week"


class NotATime(ValueError):
    """A text that is no time."""


def time_of(said: int | str, now: Instant) -> Instant:
    """The instant that is meant. Raises `NotATime`."""
    if isinstance(said, int):
        return _of_milliseconds(said)
    text = said.strip()
    if re.fullmatch(r"-?\d{1,16}", text, re.ASCII):
        return _of_milliseconds(int(text))
    try:
        if _ISO.fullmatch(text):
            return instant(datetime.fromisoformat(text))
        return _relative(text, now)
    except (ValueError, OverflowError):
        raise NotATime(RULE) from None


def _of_milliseconds(said: int) -> Instant:
    if not MS_MIN <= said <= MS_MAX:
        raise NotATime(RULE)
    return said * _MILLISECOND


def _relative(text: str, now: Instant) -> Instant:
    found = _RELATIVE.fullmatch(text)
    if found is None or not (found["now"] or found["unit"]):
        raise NotATime(RULE)
    if found["unit"] is None:
        return now
    unit = found["unit"].lower().removesuffix("s")
    count = int(found["count"]) * (1 if found["sign"] == "+" else -1)
    step = _steps(unit)
    return instant(step(moment(now).astimezone(UTC), count))


def _steps(unit: str) -> Callable[[datetime, int], datetime]:
    if unit in _SPANS:
        return lambda at, count: at + count * _SPANS[unit]
    if unit in _MONTHS:
        return lambda at, count: _months_later(at, count * _MONTHS[unit])
    raise NotATime(RULE)


def _months_later(at: datetime, months: int) -> datetime:
    """The same day of another month, or its last day."""
    number = at.year * 12 + at.month - 1 + months
    year, month = divmod(number, 12)
    day = min(at.day, monthrange(year, month + 1)[1])
    return at.replace(year=year, month=month + 1, day=day)
