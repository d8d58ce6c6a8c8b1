"""Who calls: read off the header of Argus's keys."""

from farwork.http.auth import AnyRequest, asks
from farwork.http.context import UseCases
from farwork.service.access import Principal, Role

KEY_HEADER = "argus-api-key"


async def caller_of(request: AnyRequest, context: UseCases, needs: Role) -> Principal:
    """Whose key is in `Argus-API-Key`, or in `Authorization: Bearer`.

    Raises `Unauthenticated`, and `Forbidden` without the role `needs`.
    """
    key = request.headers.get(KEY_HEADER)
    header = request.headers.get("authorization") if not key else f"Bearer {key}"
    caller = await context.doorkeeper.shown(header, request.scope)
    asks(request, caller.who)
    caller.require(needs)
    return caller
