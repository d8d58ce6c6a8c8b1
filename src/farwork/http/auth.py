"""Who calls, or who signed: read off the request."""

from dataclasses import dataclass, field
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State

from farwork.http import body, cookies
from farwork.http.rates import METER
from farwork.service.access import ANYBODY, Access, Forbidden, Principal, Unauthenticated
from farwork.service.ledger import ASKER, Asker
from farwork.service.limits import RateLimited
from farwork.service.sources import Sources

AnyConnection = ASGIConnection[Any, Any, Any, Any]
AnyRequest = Request[Any, Any, State]
CALLER = "farwork.caller"
"""Where a request's scope keeps its caller, once it was recognised on the short way."""
SIGNATURE_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


def address_of(request: AnyConnection) -> str | None:
    """Where a request came from; None: from no network."""
    scope: Any = request.scope
    client = scope.get("client")
    return None if client is None else client[0]


def asks(request: AnyConnection, actor: str = "nobody") -> str | None:
    """Say who asks, for the audit trail; gives the address that the request came from."""
    address = address_of(request)
    ASKER.set(Asker(actor, address))
    return address


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
        scope: Any = request.scope
        caller: Principal | None = scope.get(CALLER)
        if caller is None:
            try:
                caller = await self._caller(request)
            except RateLimited as error:
                scope[METER] = error.meter
                raise
        if caller.meter is not None:
            scope[METER] = caller.meter
        asks(request, caller.who)
        return caller

    async def caller_again(self, request: AnyConnection) -> Principal:
        """Who shows what the request showed when it came, as it is known now; raises as before."""
        return await self._caller(request)

    async def _caller(self, request: AnyConnection) -> Principal:
        header = request.headers.get("authorization")
        if header is None and self._auth_on:
            cookie = cookies.of(request)
            if cookie is not None:
                complaint = cookies.complaint(request, cookie)
                if complaint is not None:
                    raise CsrfRefused(complaint)
                return await self._access.principal(cookie, address_of(request))
        return await self.shown(header, request.scope)

    async def shown(self, header: str | None, scope: Any) -> Principal:
        """Whom an `Authorization` header shows. Raises `Unauthenticated`, `RateLimited`."""
        if not self._auth_on:
            return ANYBODY
        if header is None:
            raise Unauthenticated(
                "Send an API key or an access token: 'Authorization: Bearer fw_...'."
            )
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("The Authorization header must be 'Bearer <API key or token>'.")
        client = scope.get("client")
        return await self._access.principal(token.strip(), client and client[0])

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
