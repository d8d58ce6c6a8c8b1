"""Who calls: read off the request."""

from typing import Any

from litestar import Request
from litestar.datastructures import State

from farwork.service.access import ANYBODY, Access, Principal, Unauthenticated

AnyRequest = Request[Any, Any, State]


class Doorkeeper:
    """Turns a request into a principal; with authentication off, everybody is the default project's admin."""

    def __init__(self, access: Access, *, auth_on: bool) -> None:
        self._access = access
        self._auth_on = auth_on

    async def caller(self, request: AnyRequest) -> Principal:
        """The caller of a request with `Authorization: Bearer <API key>`. Raises `Unauthenticated`."""
        if not self._auth_on:
            return ANYBODY
        header = request.headers.get("authorization")
        if header is None:
            raise Unauthenticated("Send an API key: 'Authorization: Bearer fw_...'.")
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("The Authorization header must be 'Bearer <API key>'.")
        return await self._access.principal(token.strip())
