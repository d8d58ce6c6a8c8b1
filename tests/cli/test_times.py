"""Times as people read and type them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import typer
from inline_snapshot import snapshot

from farwork.cli import times

NOW = datetime(2026, 11, 22, 3, 16, 2, tzinfo=UTC)
LENGTHS = (0, 0.04, 9.94, 10, 59.6, 61, 3_600, 3_660, 86_399, 90_061, 86_400 * 400)


def test_a_length_of_time_is_told_in_its_two_greatest_units() -> None:
    assert [times.span(seconds) for seconds in LENGTHS] == snapshot(
        [
            "0.0 s",
            "0.0 s",
            "9.9 s",
            "10 s",
            "1 min",
            "1 min 1 s",
            "1 h",
            "1 h 1 min",
            "23 h 59 min",
            "1 d 1 h",
            "1 y 34 d",
        ]
    )


def test_how_long_ago_is_told_in_one_unit() -> None:
    told = [times.ago(NOW - timedelta(seconds=seconds), NOW) for seconds in LENGTHS]
    assert told == snapshot(
        [
            "just now",
            "just now",
            "9 s ago",
            "10 s ago",
            "59 s ago",
            "1 min ago",
            "1 h ago",
            "1 h ago",
            "23 h ago",
            "1 d ago",
            "1 y ago",
        ]
    )


def test_what_is_to_come_is_told_as_such() -> None:
    assert times.ago(NOW + timedelta(hours=2), NOW) == snapshot("in 2 h")


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "2026-11-22 03:16:02 +00:00"),
        ("Asia/Kolkata", "2026-11-22 08:46:02 +05:30"),
        ("America/St_Johns", "2026-11-21 23:46:02 -03:30"),
    ],
)
def test_a_moment_is_shown_with_its_offset_and_can_be_typed_again(
    here: Callable[[str], None], zone: str, shown: str
) -> None:
    here(zone)
    assert times.exactly(NOW) == shown
    assert times.typed_moment(shown) == NOW


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("2h", 7_200), ("3d", 259_200), ("1w", 604_800)],
)
def test_a_short_time_is_so_long_ago(
    text: str, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "present", lambda: NOW)
    assert times.typed_moment(text) == NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["2026-11-22T03:16:02Z", "2026-11-22T04:16:02+01:00", "2026-11-22 03:16:02+00:00"],
)
def test_a_date_and_time_with_a_zone_is_that_moment(text: str) -> None:
    assert times.typed_moment(text) == NOW


def test_a_date_is_its_first_moment_here() -> None:
    assert times.typed_moment("2026-11-22") == datetime(2026, 11, 22).astimezone()


@pytest.mark.parametrize("text", ["", "soon", "5", "-5m", "1y", "2026-13-01", "99999999d", "٣m"])
def test_what_is_no_time_is_refused_with_what_would_be(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="2026-11-22"):
        times.typed_moment(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90.0), ("1.5", 1.5), ("90s", 90.0), ("2m", 120.0), ("1w", 604_800.0)],
)
def test_a_length_of_time_is_typed_with_or_without_a_unit(text: str, seconds: float) -> None:
    assert times.typed_span(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1 h", "forever", "inf", "nan"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        times.typed_span(text)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("600/1m", (600, 60)), ("10/s", (10, 1)), ("5/90", (5, 90)), ("1/d", (1, 86_400))],
)
def test_a_rate_is_so_many_requests_in_so_much_time(text: str, rate: tuple[int, int]) -> None:
    assert times.typed_rate(text) == rate


@pytest.mark.parametrize("text", ["600", "0/m", "x/m", "/m", "10/", "10/2d", "10/0.5s", "10/h/2"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        times.typed_rate(text)
