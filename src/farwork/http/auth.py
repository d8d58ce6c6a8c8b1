"""Who calls, or who signed: read off the request."""

from dataclasses import dataclass, field
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State

from farwork.http import body, cookies
from farwork.service.access import ANYBODY, Access, Forbidden, Principal, Unauthenticated
from farwork.service.audit import ADDRESS
from farwork.service.sources import Sources

AnyConnection = ASGIConnection[Any, Any, Any, Any]
AnyRequest = Request[Any, Any, State]
SIGNATURE_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


def address_of(request: AnyConnection) -> str | None:
    """Where a request came from; None: from no network."""
    scope: Any = request.scope
    client = scope.get("client")
    return None if client is None else client[0]


@dataclass(slots=True, frozen=True)
class Delivery:
    """A webhook's body, who sent it and, where that is vouched for, the id of the sending."""

    raw: bytes = field(repr=False)
    sender: Principal
    delivery_id: str | None = None


class CsrfRefused(Forbidden):
    """The request may come from a page of somebody else."""

    code = "csrf_refused"


class Doorkeeper:
    """Turns a request into a principal.

    With authentication off, everybody is the default project's admin.
    """

    def __init__(self, access: Access, sources: Sources, *, auth_on: bool) -> None:
        self._access = access
        self._sources = sources
        self._auth_on = auth_on

    async def caller(self, request: AnyConnection) -> Principal:
        """Who shows an API key or an access token, or a browser's cookie.

        Raises `Unauthenticated`, or `CsrfRefused` about a cookie that goes with a request which a
        foreign page may have made.
        """
        ADDRESS.set(address_of(request))
        header = request.headers.get("authorization")
        if header is None and self._auth_on:
            cookie = cookies.of(request)
            if cookie is not None:
                complaint = cookies.complaint(request, cookie)
                if complaint is not None:
                    raise CsrfRefused(complaint)
                return await self._access.principal(cookie)
        return await self.shown(header)

    async def shown(self, header: str | None) -> Principal:
        """Whom an `Authorization` header shows. Raises `Unauthenticated`."""
        if not self._auth_on:
            return ANYBODY
        if header is None:
            raise Unauthenticated(
                "Send an API key or an access token: 'Authorization: Bearer fw_...'."
            )
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("The Authorization header must be 'Bearer <API key or token>'.")
        return await self._access.principal(token.strip())

    async def delivery(self, request: AnyRequest, bytes_max: int) -> Delivery:
        """A webhook's body, vouched for by its signature or, without a good one, by an API key.

        Who sends an unsigned one is known before its body is read. Raises `Unauthenticated`.
        """
        signature = {n: request.headers[n] for n in SIGNATURE_HEADERS if n in request.headers}
        if not self._auth_on or not signature:
            caller = await self.caller(request)
            return Delivery(await body.read(request, bytes_max), caller)
        raw = await body.read(request, bytes_max)
        try:
            signer = await self._sources.signer(raw, signature, request.query_params.get("source"))
        except Unauthenticated:
            if "authorization" not in request.headers:
                raise
            return Delivery(raw, await self.caller(request))
        return Delivery(raw, signer, signature["webhook-id"])
