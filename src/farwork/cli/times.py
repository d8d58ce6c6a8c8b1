"""Times for people: how long ago, how long, and when exactly; and times that people type."""

import re
from datetime import datetime, timedelta

import typer

from farwork import clock
from farwork.domain import values

_UNITS = (("y", 31_557_600), ("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
TIME_METAVAR = "TIME"
SPAN_METAVAR = "SPAN"
HOW_TO_TYPE = (
    "TIME is 90s, 15m, 2h, 3d or 1w (so long ago), a date, or a date and time: "
    "2026-11-22T03:00:00Z; without a zone it is local."
)
_TENTHS_BELOW_S = 10
RATE_METAVAR = "N/SPAN"
RATE_SECONDS_MAX = 86_400
_TYPED = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def span(seconds: float) -> str:
    """A length of time in its two greatest units: `2 min 3 s`; below ten seconds with tenths."""
    if 0 <= seconds < _TENTHS_BELOW_S:
        return f"{seconds:.1f} s"
    left = round(seconds)
    first = next((place for place, (_, size) in enumerate(_UNITS) if left >= size), len(_UNITS) - 1)
    parts: list[str] = []
    for unit, size in _UNITS[first : first + 2]:
        parts.append(f"{left // size} {unit}")
        left %= size
    return " ".join(part for part in parts if not part.startswith("0 "))


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in its greatest unit: `3 min ago`."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 1:
        return "just now"
    unit, size = next(found for found in _UNITS if abs(seconds) >= found[1])
    text = f"{int(abs(seconds)) // size} {unit}"
    return f"{text} ago" if seconds > 0 else f"in {text}"


def exactly(moment: datetime) -> str:
    """Date, time and offset in the local zone: `2026-11-22 03:16:02 +01:00`."""
    text = _local(moment).isoformat(sep=" ", timespec="seconds")
    return f"{text[:19]} {text[19:]}"


def clock_time(moment: datetime, now: datetime) -> str:
    """The time of day in the local zone, with the date unless that is today's: `03:16:02`."""
    local = _local(moment)
    is_today = local.date() == _local(now).date()
    return local.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S")


def _local(moment: datetime) -> datetime:
    return moment.astimezone()


def present() -> datetime:
    """The present moment."""
    return values.moment(clock.now())


def typed_moment(text: str) -> datetime:
    """The moment that somebody typed: so long ago, or a date, or a date and a time.

    Without a zone it is local time.
    """
    short = re.fullmatch(r"([0-9]{1,6})([smhdw])", text)
    if short:
        return present() - timedelta(seconds=int(short[1]) * _TYPED[short[2]])
    try:
        # As we show it there is a space before the offset.
        return datetime.fromisoformat(re.sub(r" (?=[+-])", "", text)).astimezone()
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is no time; write 90s, 15m, 2h, 3d or 1w (ago), 2026-11-22 "
            "or 2026-11-22T03:00:00Z"
        ) from None


def typed_rate(text: str) -> tuple[int, int]:
    """So many requests in so many seconds, as somebody typed them: `600/1m`, `10/s`."""
    requests, slash, length = text.partition("/")
    if slash and re.fullmatch(r"[1-9][0-9]{0,8}", requests):
        seconds = typed_span(f"1{length}" if length in _TYPED else length)
        if seconds == int(seconds) and 1 <= seconds <= RATE_SECONDS_MAX:
            return int(requests), int(seconds)
    raise typer.BadParameter(
        f"{text!r} is no rate; write how many requests in which time, up to a day: 600/1m, 10/s"
    )


def typed_span(text: str) -> float:
    """The seconds of a length of time that somebody typed: `90`, `90s`, `15m`, `2h`, `3d`, `1w`."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]+)?)([smhdw]?)", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no length of time; write 90, 90s, 15m, 2h or 3d")
    return float(found[1]) * _TYPED[found[2] or "s"]
