"""What a start has to know of PostgreSQL: read from `parley.db`, without the packages that speak to a database.

Those are a tenth of what is imported, so who keeps messages in `parley.db` does not import them.
"""

from __future__ import annotations

import msgspec


class Known(msgspec.Struct, frozen=True):
    """What is known of the database while it is away: the commit it has for sure, and the newest it was asked for. Not
    `copied`: what came before the first of these is still only in the old home."""

    applied: int
    intended: int
    copied: bool = True
