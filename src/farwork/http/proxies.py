"""Where a request really comes from, when it comes by way of proxies that are ours.

A proxy says in a header for whom it asks, behind what it was told itself. Whatever stands there can
be made up by anybody but our own proxies; so the header is read from its end, and only as far as
the addresses in it are those of proxies that were named as ours.
"""

import re
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

FORWARDED = "forwarded"
HOPS_MAX = 32
"""So many addresses of a header are looked at."""
KNOWN_MAX = 10_000

_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^;\s]+))', re.IGNORECASE)


class Proxies:
    """The proxies that are believed, and the header in which they say for whom they ask."""

    def __init__(self, networks: list[str], header: str) -> None:
        self._networks = [ip_network(one) for one in networks]
        self._header = header.encode()
        self._known: dict[str, bool] = {}

    def look_behind(self, scope: Any) -> None:
        """Put the address of who really asks into a request."""
        client = scope.get("client")
        if client is None or not self._is_ours(client[0]):
            return
        found: str = client[0]
        for one in self._named(scope):
            address = address_in(one)
            if address is None:
                # What our proxy could not name, nobody behind it can name for us.
                break
            found = address
            if not self._is_ours(found):
                break
        scope["client"] = (found, 0)

    def _named(self, scope: Any) -> list[str]:
        """For whom was asked, the nearest first."""
        lines = [
            value.decode("latin-1") for name, value in scope["headers"] if name == self._header
        ]
        named = [one.strip() for one in ",".join(lines).split(",")] if lines else []
        if self._header == FORWARDED.encode():
            named = [_for_of(one) for one in named]
        return named[: -HOPS_MAX - 1 : -1]

    def _is_ours(self, address: str) -> bool:
        known = self._known.get(address)
        if known is None:
            known = _is_in(address, self._networks)
            if len(self._known) > KNOWN_MAX:
                self._known.clear()
            self._known[address] = known
        return known


def _is_in(address: str, networks: list[IPv4Network | IPv6Network]) -> bool:
    try:
        here = ip_address(address)
    except ValueError:
        return False
    return any(here in network for network in networks)


def _for_of(element: str) -> str:
    """Whom one element of a `Forwarded` header names."""
    found = _FOR.search(element)
    return "" if found is None else found["quoted"] or found["plain"] or ""


def address_in(text: str) -> str | None:
    """The address of a node, which may have a port; None: it is not told."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(found)
