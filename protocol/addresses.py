"""Who is at the other end: a peer's address, or, where the peer is a trusted proxy, what that proxy says of whom it serves.

The law: nobody is believed about himself. Of `X-Forwarded-For` only what trusted proxies wrote counts, which is its end; the
rest is the stranger's own. Of IPv6 the first 64 bits count, as one household gets no less.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

KNOWN = 10_000
"""Addresses whose reading is kept: parsing one costs more than the rest of an accept."""


class Addresses:
    """`proxies`: addresses or networks, as `10.0.0.0/8` or `::1`. ValueError if one is neither."""

    __slots__ = ("read",)

    def __init__(self, proxies: Sequence[str]) -> None:
        networks = tuple(ipaddress.ip_network(each, strict=False) for each in proxies)

        @lru_cache(KNOWN)
        def read(host: str) -> str:
            """The name a host counts under; "" for a trusted proxy, and for what is no address (a Unix socket)."""
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
        """Whom trusted proxies name in `X-Forwarded-For`: the last that is none of them."""
        for each in reversed(field.split(",")):
            host = each.strip()
            if host.startswith("["):  # some proxies write a port
                host = host[1:].partition("]")[0]
            elif host.count(":") == 1:
                host = host.partition(":")[0]
            if found := self.read(host):
                return found
        return ""
