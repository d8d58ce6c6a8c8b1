"""What is to be known about a server from outside."""

import re
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import msgspec

from farwork.cli import times
from farwork.cli.connect import PATIENCE, failure_of
from farwork.cli.findings import Findings, bad, good, note
from farwork.config import ClientConfig, is_loopback
from farwork.sdk import Client, FarworkError, Forbidden, Problem, Unauthenticated
from farwork.sdk._flow import Request, Response, exchange

# The Date header knows whole seconds only.
SKEW_S_NOTED = 3.0
SKEW_S_MAX = 60.0
_LIST = Request("GET", "/v1/tasks", (("limit", "1"),))
_KEYS = Request("GET", "/v1/keys")
_ROLE = re.compile(r"has the role (\w+)")


class _Ready(msgspec.Struct):
    feed_position: int | None = None
    reasons: list[str] = []
    detail: str | None = None


def findings(settings: ClientConfig) -> Findings:
    """Is it there, can it work, what time does it have, whom does it let in?"""
    with Client(settings.server, settings.key, patience=PATIENCE) as client:
        try:
            alive = client.carry_out(exchange(Request("GET", "/healthz")))
        except FarworkError as error:
            yield bad("server", failure_of(error, settings).message)
            return
        yield good("server", f"{settings.server} answers.")
        yield from _clock(alive)
        yield from _readiness(client)
        yield from _authentication(settings)
        if settings.key:
            yield from _key(client, settings)


def _clock(answer: Response) -> Findings:
    now = times.present()
    try:
        theirs = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        yield note("clock", "The server does not say what time it has.")
        return
    skew = (theirs - now).total_seconds()
    if abs(skew) <= SKEW_S_NOTED:
        yield good("clock", "The server and this machine agree about the time.")
        return
    where = "ahead of" if skew > 0 else "behind"
    yield (bad if abs(skew) > SKEW_S_MAX else note)(
        "clock",
        f"The server's clock is {times.span(abs(skew))} {where} this machine's.",
        "Reports are ordered by when they say things happened: keep every clock on network time.",
    )


def _readiness(client: Client) -> Findings:
    try:
        answer = client.carry_out(exchange(Request("GET", "/readyz")))
    except FarworkError as error:
        yield bad("readiness", str(error), "The server's own output says more.")
        return
    ready = msgspec.json.decode(answer.body, type=_Ready)
    yield good("readiness", f"It reads and writes; its feed is at position {ready.feed_position}.")


def _authentication(settings: ClientConfig) -> Findings:
    parts = urlsplit(settings.server)
    is_here = is_loopback(parts.hostname or "")
    with Client(settings.server, patience=PATIENCE) as stranger:
        try:
            stranger.carry_out(exchange(_LIST))
        except Unauthenticated:
            yield good("authentication", "It is on: callers show an API key.")
        except FarworkError as error:
            yield note("authentication", f"It could not be seen: {error}")
        else:
            detail = "It is off: whoever reaches the server may do everything."
            advice = "'farwork serve --auth on' demands keys."
            yield (note if is_here else bad)("authentication", detail, advice)
    if parts.scheme == "http" and not is_here:
        yield note(
            "encryption",
            "Keys and data travel in the clear.",
            "Put a proxy that speaks https in front of the server.",
        )


def _key(client: Client, settings: ClientConfig) -> Findings:
    try:
        client.carry_out(exchange(_LIST))
    except Problem as error:
        yield bad("key", failure_of(error, settings).message)
        return
    try:
        client.carry_out(exchange(_KEYS))
    except Forbidden as error:
        found = _ROLE.search(str(error))
        yield good("key", f"It is valid; its role is {found[1] if found else 'not admin'}.")
    except FarworkError:
        yield good("key", "It is valid.")
    else:
        yield good("key", "It is valid; its role is admin.")
