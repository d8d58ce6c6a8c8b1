"""Where webhooks may be sent: not into our own house, unless the operator says so.

A name is judged by the addresses that it has when the connection is made, and the connection goes
to one of those addresses: what a name resolves to later does not matter.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import urlsplit

from farwork.config import is_network

Address = IPv4Address | IPv6Address
URL_LENGTH_MAX = 2_000
# Not every release of Python knows these for what they are; the first is public by its number, and
# answered by the host of a virtual machine.
_INSIDE = tuple(map(ip_network, ("168.63.129.16/32", "192.0.0.0/24", "64:ff9b:1::/48")))
# Addresses that carry another inside.
_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")
_PRINTABLE_FROM, _PRINTABLE_TO = "!", "~"


class TargetNotAllowed(Exception):
    """Nothing is sent there."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in its parts, as a request needs them."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == (443 if self.secure else 80)
        return host if usual else f"{host}:{self.port}"


@lru_cache(1_024)
def target_of(url: str) -> Target:
    """The parts of a URL. Raises `ValueError` with what is wrong with it."""
    if len(url) > URL_LENGTH_MAX:
        raise ValueError(f"must have at most {URL_LENGTH_MAX} characters")
    if not all(_PRINTABLE_FROM <= c <= _PRINTABLE_TO for c in url):
        raise ValueError("must be ASCII without spaces; percent-encode the rest")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"is not a URL: {error}") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("must begin with https:// or http://")
    if not host or port == 0:
        raise ValueError("must name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must hold no user or password; give a token instead")
    if parts.fragment:
        raise ValueError("must hold no fragment, since it would not be sent")
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(secure, host, port or (443 if secure else 80), path)


class Guard:
    """Decides about addresses; `allowed` are the networks and hosts that are excepted."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        self._hosts: set[str] = set()
        for one in allowed:
            if is_network(one):
                self._networks.append(ip_network(one))
            else:
                self._hosts.add(one.lower().rstrip("."))

    def check_url(self, url: str) -> Target:
        """The parts of a URL that could be sent to. Raises `ValueError` with what is wrong."""
        target = target_of(url)
        try:
            address = ip_address(target.host)
        except ValueError:
            return target
        try:
            self.check(target.host, [address])
        except TargetNotAllowed as error:
            raise ValueError(str(error)) from None
        return target

    def check(self, host: str, addresses: Iterable[Address]) -> None:
        """Raises `TargetNotAllowed` if one of the addresses of a host must not be sent to."""
        if host.lower().rstrip(".") in self._hosts:
            return
        for address in addresses:
            if not self._allows(address):
                raise TargetNotAllowed(
                    f"{host} is at {address}, which is not a public address; "
                    "the operator can allow it (hook_targets_allowed)"
                )

    def _allows(self, address: Address) -> bool:
        inner = _innermost(address)
        if any(one in network for network in self._networks for one in (address, inner)):
            return True
        return all(_is_public(one) for one in (address, inner))


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast:
        return False
    return not any(address in network for network in _INSIDE)


def _innermost(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for; else itself."""
    if isinstance(address, IPv4Address):
        return address
    carried = address.ipv4_mapped or address.sixtofour
    if carried is None and address.teredo is not None:
        carried = address.teredo[1]
    if carried is None and (address in _NAT64 or address in _COMPATIBLE):
        carried = IPv4Address(int(address) & 0xFFFF_FFFF)
    return address if carried is None else carried
