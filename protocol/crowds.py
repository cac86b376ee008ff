"""How many connections a program takes, in all and of each address (`connections`, `connections_per_address`).

The law: an address enters and leaves in pairs, and one without connections takes no memory. Connections whose address is
not known, as those of a proxy that names nobody, are not counted: such a proxy has to do it.
"""

from __future__ import annotations

import resource

from protocol.addresses import Addresses


class Crowds:
    """Counts of one program. `limit` 0 refuses nobody."""

    __slots__ = ("_counts", "_limit", "addresses")

    def __init__(self, limit: int, addresses: Addresses) -> None:
        self.addresses = addresses
        self._counts: dict[str, int] = {}
        self._limit = limit

    def enter(self, address: str) -> bool:
        """One more connection of this address, if it may."""
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


def spare_descriptors() -> int:
    """How many connections the descriptor limit leaves: a quarter of it, 256 at most, stays for everything else."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return limit - min(256, limit // 4)
