"""The ASGI application."""

from collections.abc import Awaitable, Callable

from litestar import Litestar
from litestar.config.app import AppConfig
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig

from farwork import __version__
from farwork.domain.errors import DomainError
from farwork.http.body import InvalidBody
from farwork.http.context import Context
from farwork.http.dialects.sartiq import routes as sartiq
from farwork.http.native import ops, reports, sources, tasks
from farwork.http.problems import respond
from farwork.storage.committer import Overloaded, StorageUnavailable

Hook = Callable[[], Awaitable[None]]


def create_app(context: Context, *, on_startup: list[Hook], on_shutdown: list[Hook]) -> Litestar:
    """The application on these use cases."""
    config = AppConfig(
        route_handlers=[
            tasks.router(),
            reports.router(),
            sources.router(),
            ops.router(),
            sartiq.router(),
        ],
        dependencies={"context": Provide(lambda: context, use_cache=True, sync_to_thread=False)},
        exception_handlers={
            kind: respond
            for kind in (DomainError, InvalidBody, Overloaded, StorageUnavailable, HTTPException)
        },
        openapi_config=OpenAPIConfig(title="Farwork", version=__version__, path="/docs"),
        on_startup=list(on_startup),
        on_shutdown=list(on_shutdown),
        logging_config=None,
        # Each route bounds its own body, while reading it.
        request_max_body_size=None,
    )
    return Litestar.from_config(config)
