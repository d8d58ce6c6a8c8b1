"""The keys of an outside issuer: found by OpenID discovery, kept, and renewed when they change."""

import asyncio
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from farwork import clock
from farwork.config import is_loopback
from farwork.service.ledger import StorageUnavailable
from farwork.service.single_flight import SingleFlight

log = structlog.get_logger()

DISCOVERY = "/.well-known/openid-configuration"
FETCH_SECONDS_MAX = 5.0
DOCUMENT_BYTES_MAX = 1 << 20
# Keys are asked for again after so long; those that cannot be renewed are used on, for a day.
FRESH_S = 600.0
KEPT_S = 24 * 3600.0
# A token with an unknown key may be of a new one: then the issuer is asked, but no oftener.
ASKED_AGAIN_AFTER_S = 5.0


class IssuerUnavailable(StorageUnavailable):
    """The issuer of access tokens cannot be asked for its keys; try again."""

    code = "issuer_unavailable"


class Issuer:
    """What we know of one issuer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._asked_at: float | None = None
        self._trouble = ""
        self._fetches = SingleFlight[None]()
        self._renewal: asyncio.Task[None] | None = None

    async def keys_for(self, kid: str | None) -> KeySet:
        """The issuer's keys; fetched anew if none of them is called `kid`.

        Raises `IssuerUnavailable`.
        """
        age = clock.ticks() - self._fetched_at
        if self._keys is None or age > KEPT_S or not _has(self._keys, kid):
            if self._may_ask():
                await self._fetches.ask(self.url, self._fetch)
        elif age > FRESH_S and self._may_ask():
            # What is at hand will do meanwhile.
            self._renewal = asyncio.create_task(self._fetches.ask(self.url, self._fetch))
        if self._keys is None or clock.ticks() - self._fetched_at > KEPT_S:
            raise IssuerUnavailable(f"The keys of {self.url} cannot be had: {self._trouble}")
        return self._keys

    def _may_ask(self) -> bool:
        return self._asked_at is None or clock.ticks() - self._asked_at >= ASKED_AGAIN_AFTER_S

    async def _fetch(self) -> None:
        import httpx  # noqa: PLC0415 - only who trusts an issuer needs it

        try:
            async with httpx.AsyncClient(timeout=FETCH_SECONDS_MAX) as client:
                document = await _json(client, self.url.rstrip("/") + DISCOVERY)
                found: Any = await _json(client, _address_of_keys(document, self.url))
                keys = KeySet.import_key_set(found)
        except (httpx.HTTPError, httpx.InvalidURL, JoseError, ValueError, KeyError) as error:
            self._trouble = f"{type(error).__name__}: {error}"
            log.warning("the issuer's keys cannot be had", issuer=self.url, error=self._trouble)
        else:
            self._keys, self._fetched_at = keys, clock.ticks()
        self._asked_at = clock.ticks()


def _address_of_keys(document: dict[str, Any], issuer: str) -> str:
    """Where a discovery document says that the keys are. Raises `ValueError`."""
    if document.get("issuer") != issuer:
        raise ValueError("its discovery document names another issuer")
    address = str(document["jwks_uri"])
    parts = urlsplit(address)
    # What is fetched in the clear may be anybody's; on this machine it is not in the open.
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ValueError("its keys are not behind HTTPS")
    return address


def _has(keys: KeySet, kid: str | None) -> bool:
    return kid is None or any(key.kid == kid for key in keys.keys)


async def _json(client: Any, url: str) -> dict[str, Any]:
    import json  # noqa: PLC0415 - beside httpx

    async with client.stream("GET", url, headers={"Accept": "application/json"}) as response:
        response.raise_for_status()
        raw = b""
        async for chunk in response.aiter_bytes():
            raw += chunk
            if len(raw) > DOCUMENT_BYTES_MAX:
                raise ValueError("its documents are too large")
    found: Any = json.loads(raw)
    if not isinstance(found, dict):
        raise ValueError("its documents are no JSON objects")  # noqa: TRY004 - it is the issuer's
    return cast("dict[str, Any]", found)
