"""The ASGI application."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Litestar, Request, Response
from litestar.config.app import AppConfig
from litestar.di import Provide
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.openapi import OpenAPIConfig

from farwork import __version__
from farwork.http.context import Context
from farwork.http.dialects.sartiq import openapi as sartiq_openapi
from farwork.http.dialects.sartiq import routes as sartiq
from farwork.http.dialects.uniqc import answers as uniqc_answers
from farwork.http.dialects.uniqc import routes as uniqc
from farwork.http.native import bulk, ops, reports, sources, tasks
from farwork.http.openapi import openapi_json, take_in
from farwork.http.problems import FORESEEN, respond

Hook = Callable[[], Awaitable[None]]


def create_app(context: Context, *, on_startup: list[Hook], on_shutdown: list[Hook]) -> Litestar:
    """The application on these use cases."""
    config = AppConfig(
        route_handlers=[
            tasks.router(),
            reports.router(),
            bulk.router(),
            sources.router(),
            ops.router(),
            openapi_json,
            sartiq.router(),
            uniqc.router(),
        ],
        dependencies={"context": Provide(lambda: context, use_cache=True, sync_to_thread=False)},
        exception_handlers={
            **dict.fromkeys(FORESEEN, respond),
            **dict.fromkeys((NotFoundException, MethodNotAllowedException), _respond_nowhere),
        },
        openapi_config=OpenAPIConfig(title="Farwork", version=__version__, path="/docs"),
        on_startup=list(on_startup),
        on_shutdown=list(on_shutdown),
        logging_config=None,
        # Each route bounds its own body, while reading it.
        request_max_body_size=None,
    )
    app = Litestar.from_config(config)
    take_in(app, [sartiq_openapi.part()])
    return app


def _respond_nowhere(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """No such address, or not by this method: found out before any router has its say."""
    if uniqc_answers.speaks_at(request.scope["path"]):
        return uniqc_answers.respond(request, error)
    return respond(request, error)
