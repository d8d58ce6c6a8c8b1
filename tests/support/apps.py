"""The whole application in this process, on a fresh database, spoken to over ASGI."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from warnings import catch_warnings, simplefilter

from litestar import Litestar
from litestar.exceptions import LitestarDeprecationWarning
from litestar.testing import AsyncTestClient

from farwork import clock, config
from farwork.app import build
from farwork.service.access import Role, new_key
from farwork.storage import access_store
from farwork.storage.engine import open_engine
from farwork.storage.schema import migrate

Client = AsyncTestClient[Litestar]


@asynccontextmanager
async def served(database_url: str, **settings: object) -> AsyncGenerator[Client]:
    """A client of the application, an admin of the default project."""
    engine = open_engine(database_url)
    migrate(engine)
    with engine.begin() as connection:
        access_store.add_project(connection, "default", clock.now())
    engine.dispose()
    given = {"database": database_url, "auth": "off"} | settings
    app = _built(config.load({}, given))
    async with AsyncTestClient(app, base_url="http://127.0.0.1:8400") as client:
        yield client


def _built(settings: config.Config) -> Litestar:
    with catch_warnings():
        # How handlers name what they depend on changes with the framework's next major version.
        simplefilter("ignore", LitestarDeprecationWarning)
        return build(settings)


def make_key(database_url: str, role: Role) -> str:
    """An API key of the default project."""
    engine = open_engine(database_url)
    row, text = new_key("default", role, role.word, now=clock.now())
    with engine.begin() as connection:
        access_store.add_key(connection, row)
    engine.dispose()
    return text
