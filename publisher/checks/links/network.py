"""HTTP transport that never connects to a private address, whatever a link or a redirect contains.

The host name is resolved once, the address is checked, and the connection uses exactly this address, which prevents
DNS rebinding. TLS still verifies the host name.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from publisher.diagnostics import say

UNRESOLVED = say("no resolver answers")
_UNICAST = ipaddress.ip_network("2000::/3")
"""Public IPv6 addresses; not ``::/96``, ``::ffff:0:0:0/96``, ``64:ff9b::/96`` and ``64:ff9b:1::/48`` (RFC 4291, 2765,
6052, 8215), which embed IPv4 addresses that may be private.
"""

_HELD_BACK = [
    ipaddress.ip_network(network)
    for network in (
        "2001::/23",  # Teredo (RFC 4380) and other protocol assignments
        "2002::/16",  # 6to4 (RFC 3056)
        "3fff::/20",  # documentation (RFC 9637), unknown to Python 3.11
        "192.0.0.0/24",  # protocol assignments (RFC 6890); cloud metadata at 192.0.0.192
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "168.63.129.16/32",  # public by registry, but a cloud's metadata service
    )
]
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
"""The 32 bits before the IPv4 address in an ISATAP interface identifier (RFC 5214)."""


class PrivateAddressError(httpx.ConnectError):
    """The host name resolves to an address that is not public."""


def is_public(address: str) -> bool:
    """Whether an IP address is globally reachable (IANA's special-purpose registries, RFC 6890)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if not ip.is_global or ip.is_multicast or any(ip in network for network in _HELD_BACK):
        return False
    return ip.version == 4 or (ip in _UNICAST and (int(ip) >> 32) & 0xFFFFFFFF not in _ISATAP)


class _PinnedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a host name, checks the address, and connects to the checked address."""

    def __init__(self, allow_private: bool) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._allow_private = allow_private

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first permitted address of ``host``."""
        loop = asyncio.get_running_loop()
        if port > 65_535:  # possible in a redirect
            raise httpcore.ConnectError(say("there is no host {host}", host=f"{host}:{port}"))
        try:
            found = await asyncio.wait_for(loop.getaddrinfo(host, port, type=socket.SOCK_STREAM), timeout)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host} took too long to resolve") from error
        except (socket.gaierror, UnicodeError) as error:
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                raise httpcore.ConnectError(UNRESOLVED) from error
            raise httpcore.ConnectError(say("there is no host {host}", host=host)) from error
        addresses = [str(entry[4][0]) for entry in found]
        allowed = [a for a in addresses if self._allow_private or is_public(a)]
        if not allowed:
            raise PrivateAddressError(say("{host} is not a public address", host=host))
        return await self._inner.connect_tcp(allowed[0], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class SafeTransport(httpx.AsyncHTTPTransport):
    """httpx's transport (HTTP/1.1 and HTTP/2) with connections to checked addresses only."""

    def __init__(self, *, allow_private: bool = False, max_connections: int = 64) -> None:
        context = ssl.create_default_context()
        super().__init__(verify=context, http2=True)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=max_connections,
            max_keepalive_connections=20,
            http1=True,
            http2=True,
            network_backend=_PinnedBackend(allow_private),
        )
