"""The ASGI application."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from functools import cache
from types import CoroutineType
from typing import Any, cast

import msgspec
from litestar import Litestar, Request, Response, Router
from litestar.config.app import AppConfig
from litestar.di import Provide
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.types import LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send

from farwork.clock import now
from farwork.config import listed
from farwork.http import docs_page, front, hosts, measuring, openapi, rates, ui
from farwork.http.address import readdress
from farwork.http.body import InvalidBody
from farwork.http.context import UseCases
from farwork.http.dialects.argus import answers as argus_answers
from farwork.http.dialects.argus import routes as argus
from farwork.http.dialects.sartiq import openapi as sartiq_openapi
from farwork.http.dialects.sartiq import routes as sartiq
from farwork.http.dialects.scanhub import answers as scanhub_answers
from farwork.http.dialects.scanhub import routes as scanhub
from farwork.http.dialects.scanhub import users as scanhub_users
from farwork.http.dialects.uniqc import answers as uniqc_answers
from farwork.http.dialects.uniqc import routes as uniqc
from farwork.http.native import (
    about,
    access,
    audit,
    bulk,
    counts,
    deliveries,
    feed,
    feed_stream,
    hooks,
    incoming,
    job_verbs,
    jobs,
    leases,
    login,
    ops,
    pace,
    reports,
    retention,
    sendings,
    sources,
    steering,
    submissions,
    task_parts,
    tasks,
    transfer,
    users,
    verbs,
)
from farwork.http.problems import respond
from farwork.http.proxies import Proxies

Hook = Callable[[], Awaitable[None]]


class Server(Litestar):
    """Litestar behind two looks at each request: how it is addressed, and by which name."""

    own_names_only: bool = False
    """Whether requests must name this machine; so it is without authentication."""
    proxies: Proxies | None = None
    """The proxies in front of it."""
    front: front.Front | None = None
    """The short way for plain reports."""
    measured: measuring.Measured | None = None
    """The ordinary way, with an eye on the clock."""

    def __call__(
        self,
        scope: Scope | LifeSpanScope,
        receive: Receive | LifeSpanReceive,
        send: Send | LifeSpanSend,
    ) -> CoroutineType[Any, Any, None]:
        """The answer to a request; a plain function, since it stands before each of them."""
        if scope["type"] != "lifespan":
            if self.proxies is not None:
                self.proxies.look_behind(scope)
            if self.own_names_only:
                complaint = hosts.complaint(scope)
                if complaint is not None:
                    return self._refuse(hosts.foreign(complaint), scope, receive, send)
            if b"%" in scope["raw_path"] and scope["path"].startswith("/v1/"):
                unreadable = readdress(scope)
                if unreadable is not None:
                    return self._refuse(unreadable, scope, receive, send)
            if self.front is not None and scope["path"] == front.PATH and front.is_post(scope):
                into, out = cast("Receive", receive), cast("Send", send)
                return self.front(scope, into, out)
            if self.measured is not None and scope["type"] == "http":
                into, out = cast("Receive", receive), cast("Send", send)
                return self.measured(scope, into, out)
            return self.ordinary(scope, receive, send)
        return super().__call__(scope, receive, send)

    def ordinary(self, scope: Any, receive: Any, send: Any) -> CoroutineType[Any, Any, None]:
        """The answer of the router, which tells a limited caller of its limit."""
        return super().__call__(scope, receive, rates.telling(scope, send, now))

    async def _refuse(self, error: InvalidBody, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await hosts.close(error.detail or error.title, receive, send)
            return
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        response = _respond(request, error)
        body: bytes = response.content
        sent = {
            "content-type": response.media_type,
            "content-length": len(body),
            **response.headers,
        }
        headers = [(name.encode(), str(value).encode()) for name, value in sent.items()]
        await send({"type": "http.response.start", "status": error.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


def native_routers() -> list[Router]:
    """The routes of the native API."""
    return [
        tasks.router(),
        verbs.router(),
        task_parts.router(),
        reports.router(),
        transfer.router(),
        counts.router(),
        jobs.router(),
        job_verbs.router(),
        feed.router(),
        feed_stream.router(),
        bulk.router(),
        access.router(),
        users.router(),
        login.router(),
        audit.router(),
        sources.router(),
        leases.router(),
        steering.router(),
        submissions.router(),
        retention.router(),
        hooks.router(),
        deliveries.router(),
        incoming.router(),
        sendings.router(),
        ops.router(),
        about.router(),
        pace.router(),
    ]


def create_app(context: UseCases, *, on_startup: list[Hook], on_shutdown: list[Hook]) -> Server:
    """The application on these use cases."""
    config = AppConfig(
        route_handlers=[
            *native_routers(),
            openapi.openapi_json,
            docs_page.docs,
            sartiq.router(),
            uniqc.router(),
            scanhub.router(),
            scanhub_users.router(),
            *argus.routers(),
            ui.router(),
        ],
        dependencies={"context": Provide(lambda: context, use_cache=True, sync_to_thread=False)},
        exception_handlers={
            Exception: respond,
            NotFoundException: _respond,
            MethodNotAllowedException: _respond,
        },
        openapi_config=None,
        on_startup=list(on_startup),
        on_shutdown=list(on_shutdown),
        logging_config=None,
        # Each route bounds its own body, while reading it.
        request_max_body_size=None,
    )
    app = Server.from_config(config)
    app.own_names_only = not context.config.auth_on
    trusted = listed(context.config.trusted_proxies)
    app.proxies = Proxies(trusted, context.config.proxy_header) if trusted else None
    app.measured = measuring.Measured(context.metrics, app.ordinary, context.spans)
    # Each request is a span where spans are made: then none goes the short way.
    app.front = None if context.spans.is_on else front.Front(context, app.measured)
    app.state.document = cache(lambda: _document_of(app))
    return app


def _document_of(app: Litestar) -> dict[str, Any]:
    return openapi.document(openapi.routes_of(app), [sartiq_openapi.part()])


def write_document() -> None:
    """Write the OpenAPI document to the standard output, as it is committed."""
    nothing = Provide(lambda: None, sync_to_thread=False)
    app = Litestar(native_routers(), dependencies={"context": nothing}, openapi_config=None)
    text = msgspec.json.format(msgspec.json.encode(_document_of(app)), indent=1)
    sys.stdout.write(text.decode() + "\n")


def _respond(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The answer to an error that is found out before any router has its say."""
    if scanhub_answers.speaks_at(request.scope["path"]):
        return scanhub_answers.respond(request, error)
    if argus_answers.speaks_at(request.scope["path"]):
        return argus_answers.respond(request, error)
    if uniqc_answers.speaks_at(request.scope["path"]):
        return uniqc_answers.respond(request, error)
    return respond(request, error)
