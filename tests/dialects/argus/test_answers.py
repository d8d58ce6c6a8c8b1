"""Whatever goes wrong is told in the envelope, in the one shape that the client survives."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.handlers import HTTPRouteHandler
from litestar.testing import RequestFactory

from farwork.domain.errors import DomainError
from farwork.domain.values import instant, moment
from farwork.http.dialects.argus.answers import respond
from farwork.http.dialects.argus.asking import Flawed, Refused
from farwork.http.dialects.argus.routes import CALLS
from farwork.http.dialects.argus.times import MS_MAX, MS_MIN, NotATime, time_of
from farwork.http.problems import FORESEEN
from tests.dialects.argus.sampledb import BASE, SampleDb

NOW = 1_790_000_000_000_000


def tree(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for one in kind.__subclasses__():
        yield one
        yield from tree(one)


def name_of(kind: type[Exception]) -> str:
    return kind.__name__


def survives(response: object) -> None:
    """The client walks `messages`, and wants a `type` in each and a `field` in field errors."""
    body = json.loads(getattr(response, "content"))  # noqa: B009 - whatever kind of response
    assert body["responseCode"] >= 400
    assert body["data"] is None
    assert body["messages"]
    for said in body["messages"]:
        assert said["type"] in ("FIELD_ERROR", "ACTION_ERROR")
        assert said["message"]
        assert "field" in said


@pytest.mark.parametrize("kind", sorted(set(tree(DomainError)), key=name_of), ids=name_of)
def test_every_error_of_the_use_cases_has_an_answer(kind: type[DomainError]) -> None:
    error = kind.__new__(kind)
    DomainError.__init__(error, "what was wrong")
    survives(respond(RequestFactory().get(BASE), error))


@pytest.mark.parametrize("kind", FORESEEN, ids=name_of)
def test_whatever_a_handler_may_raise_has_an_answer(kind: type[Exception]) -> None:
    error = kind() if kind.__name__ == "HTTPException" else kind("why")
    survives(respond(RequestFactory().get(BASE), error))


def test_our_own_mistake_is_a_500_that_says_nothing_of_it() -> None:
    response = respond(RequestFactory().get(BASE), ZeroDivisionError("secret"))
    survives(response)
    assert b"secret" not in response.content


@pytest.mark.parametrize("error", [Flawed([("", "is not JSON")]), Refused(404, "none")])
def test_our_own_refusals_survive(error: Exception) -> None:
    survives(respond(RequestFactory().get(BASE), error))


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{", b'"x"', b"\xff", b'{"a":"\\u0000"}'])
def test_a_body_that_is_none_is_a_412(sqlite_argus: SampleDb, raw: bytes) -> None:
    response = sqlite_argus.http.post(f"{BASE}/job/{sqlite_argus.job()}/task", content=raw)
    assert response.status_code == 412
    survives(response)


def test_an_address_that_nobody_serves_is_refused_in_the_envelope(sqlite_argus: SampleDb) -> None:
    response = sqlite_argus.send("GET", "/nothing")
    assert response.status_code == 404
    survives(response)
    response = sqlite_argus.send("PATCH", "/job")
    assert response.status_code == 405
    survives(response)


def test_every_call_asks_for_a_key_first(sqlite_argus: SampleDb) -> None:
    with sqlite_argus.server.client() as stranger:
        for call in CALLS:
            assert isinstance(call, HTTPRouteHandler)
            for method in call.http_methods:
                path = "/".join("x" if "{" in p else p for p in next(iter(call.paths)).split("/"))
                response = stranger.request(method, f"{BASE}{path}", content=b"{")
                assert response.status_code == 401, (method, path)
                survives(response)


# --- times ---


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (1767225600000, 1767225600000_000),
        (" 1767225600001", 1767225600001_000),
        ("2016-11-30T15:47:00Z", 1480520820_000_000),
        ("2016-11-30T15:47:00.5Z", 1480520820_500_000),
        ("now", NOW),
        (" NOW ", NOW),
        ("now - 1 week", NOW - 7 * 86_400_000_000),
        ("now-1day", NOW - 86_400_000_000),
        ("-1 day", NOW - 86_400_000_000),
        ("now + 2 hours", NOW + 7_200_000_000),
        ("- 30 minutes", NOW - 1_800_000_000),
        ("+5 seconds", NOW + 5_000_000),
    ],
)
def test_the_published_forms_of_time_are_understood(said: int | str, meant: int) -> None:
    assert time_of(said, NOW) == meant


def test_months_and_years_keep_the_day_where_they_can() -> None:
    last_of_march = instant(moment(NOW).replace(month=3, day=31))
    assert moment(time_of("now - 1 month", last_of_march)).day == 28
    assert moment(time_of("now - 1 year", NOW)).year == moment(NOW).year - 1


@pytest.mark.parametrize(
    "said",
    [
        "", "yesterday", "now -", "now 1 day", "1 day", "now - 1 fortnight", "now - 1.5 days",
        "2016-11-30T15:47:00", "2016-11-30T15:47:00+01:00", "2016-13-30T15:47:00Z", "2016-11-30",
        MS_MAX + 1, MS_MIN - 1, "now - 999999 years", "now/day",
    ],
)  # fmt: skip
def test_anything_else_is_no_time(said: int | str) -> None:
    with pytest.raises(NotATime):
        time_of(said, NOW)


@given(st.text(max_size=30))
def test_no_text_makes_the_parser_stumble(text: str) -> None:
    try:
        time_of(text, NOW)
    except NotATime:
        return
