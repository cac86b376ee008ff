"""How many connections each address has (`connections_per_address`).

The law: an address enters and leaves in pairs, and one without connections takes no memory. Connections whose address is
not known, as those of a proxy that names nobody, are not counted: such a proxy has to do it.
"""

from __future__ import annotations

from protocol.addresses import Addresses


class Crowds:
    """Counts of one gateway. `limit` 0 refuses nobody."""

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
