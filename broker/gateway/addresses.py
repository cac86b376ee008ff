"""Who is behind a connection, and how many connections each address has (`connections_per_address`).

The law: an address is what the kernel says, or, of a peer that is a trusted proxy, what that proxy says last; never what a
stranger claims. Of IPv6 the first 64 bits count, as a household gets no less. Connections of a proxy itself, which says
nothing of who is behind it on a framed socket, are not counted: such a proxy has to do it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

KNOWN = 10_000
"""Addresses whose reading is kept: parsing one costs more than the rest of an accept."""


class Addresses:
    """Counts of one gateway. `limit` 0 counts nothing."""

    __slots__ = ("_counts", "_limit", "read")

    def __init__(self, limit: int, proxies: Sequence[str]) -> None:
        """`proxies`: addresses or networks, as `10.0.0.0/8` or `::1`."""
        networks = tuple(ipaddress.ip_network(each, strict=False) for each in proxies)
        self._counts: dict[str, int] = {}
        self._limit = limit

        @lru_cache(KNOWN)
        def read(host: str) -> str:
            """The name under which this host counts; "" for a proxy, and for what is no address (a Unix socket)."""
            try:
                address = ipaddress.ip_address(host.partition("%")[0])
            except ValueError:
                return ""
            if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
                address = address.ipv4_mapped
            if any(address in network for network in networks):
                return ""
            if isinstance(address, ipaddress.IPv6Address):
                return str(ipaddress.IPv6Network((address, 64), strict=False))
            return str(address)

        self.read = read

    def forwarded(self, field: str) -> str:
        """Whom a proxy names in `X-Forwarded-For`: the last that is no proxy itself."""
        for each in reversed(field.split(",")):
            host = each.strip()
            if host.startswith("["):  # some proxies write a port
                host = host[1:].partition("]")[0]
            elif host.count(":") == 1:
                host = host.partition(":")[0]
            if found := self.read(host):
                return found
        return ""

    def enter(self, address: str) -> bool:
        """One more connection of this address, if it may; each is left once."""
        if not address:
            return True
        count = self._counts.get(address, 0)
        if self._limit and count >= self._limit:
            return False
        self._counts[address] = count + 1
        return True

    def leave(self, address: str) -> None:
        if not address:
            return
        count = self._counts[address] - 1
        if count:
            self._counts[address] = count
        else:
            del self._counts[address]
