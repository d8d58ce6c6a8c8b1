"""The short way for the most frequent request: one plain report.

A router, dependencies and a response object cost more than taking the report. What is plain (one
JSON object in one piece, no query, no `Idempotency-Key`) is answered here; whatever is not, and
whatever is wrong with it, goes the ordinary way, which is told what has been read already.
"""

from typing import Any

import msgspec
from litestar import Request
from litestar.types import Receive, Scope, Send

from farwork import clock
from farwork.domain.errors import DomainError, NestedTooDeeply, TimeOutOfRange
from farwork.http import body
from farwork.http.auth import CALLER
from farwork.http.context import UseCases
from farwork.http.native.reports import answer_to
from farwork.http.problems import respond
from farwork.http.rates import METER, fields
from farwork.protocol.reports import ReportIn
from farwork.service.access import Principal
from farwork.service.ledger import Outcome
from farwork.service.limits import Meter, RateLimited

PATH = "/v1/reports"

_decoder = msgspec.json.Decoder(ReportIn)


class Front:
    """Answers plain reports; hands on everything else."""

    def __init__(self, context: UseCases, onward: Any) -> None:
        self._context = context
        self._onward = onward

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `POST /v1/reports`."""
        header = _plain_authorization(scope)
        if header is False:
            await self._onward(scope, receive, send)
            return
        began = clock.ticks()
        messages, raw = await self._body(receive)
        said: Any = scope
        taken = await self._take(header, raw, said)
        meter: Meter | None = said.get(METER)
        sent = [] if meter is None else fields(meter, self._context.ledger.now())
        if taken is None:
            await self._onward(scope, _again(messages, receive), send)
        elif isinstance(taken, Exception):
            response = respond(Request(scope, receive, send), taken)
            sent.append((b"content-type", str(response.media_type).encode()))
            sent += [(n.encode(), v.encode()) for n, v in response.headers.items()]
            await _send(send, response.status_code or 500, sent, response.content)
        else:
            sent.append((b"content-type", b"application/json"))
            await _send(send, 200, sent, answer_to(taken))
            self._context.metrics.took_report(clock.ticks() - began)

    async def _body(self, receive: Receive) -> tuple[list[Any], bytes]:
        """The messages with the body and the body, or no body: it has not come within the bound."""
        messages: list[Any] = []
        raw = b""
        while len(raw) <= self._context.config.single_body_bytes_max:
            message: Any = await receive()
            messages.append(message)
            raw += message.get("body", b"")
            if not message.get("more_body"):
                return messages, raw
        return messages, b""

    async def _take(self, header: str | None, raw: bytes, scope: Any) -> Outcome | Exception | None:
        """What became of the report, why it could not be taken, or None: it is not plain."""
        if raw[:1] != b"{":
            return None
        try:
            # Whoever is known here need not be asked, nor counted, again on the ordinary way.
            caller = scope[CALLER] = await self._context.doorkeeper.shown(header, scope)
            if caller.meter is not None:
                scope[METER] = caller.meter
            said = body.decode(raw, _decoder, bounded=False)
        except RateLimited as error:
            scope[METER] = error.meter
            return error
        except (DomainError, body.InvalidBody):
            return None
        return None if said.shard is not None else await self._settle(caller, said)

    async def _settle(self, caller: Principal, said: ReportIn) -> Outcome | Exception | None:
        try:
            answer = await self._context.reports.take(caller, [said])
        except (NestedTooDeeply, TimeOutOfRange):
            return None
        except Exception as error:  # noqa: BLE001 - as every handler's: it becomes a response
            return error
        return answer.outcomes[0]


def is_post(scope: Scope) -> bool:
    """Whether this is a POST; a websocket has no method."""
    return scope["type"] == "http" and scope["method"] == "POST"


def _plain_authorization(scope: Scope) -> Any:
    """The Authorization header (None: there is none) of a request that may be plain, else False."""
    if scope["query_string"]:
        return False
    header: str | None = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            header = value.decode("latin-1")
        elif name in (b"idempotency-key", b"ce-specversion", b"traceparent") or (
            name == b"content-type" and (b"ndjson" in value or b"cloudevents" in value)
        ):
            return False
    return header


def _again(messages: list[Any], receive: Receive) -> Receive:
    """A `receive` that begins with what has been received already."""
    waiting = iter(messages)

    async def take() -> Any:
        return next(waiting, None) or await receive()

    return take


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], text: bytes) -> None:
    headers.append((b"content-length", str(len(text)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text, "more_body": False})
