"""What the dialect of our own API is given (`adminapi.dialects.parley.services`), made of the real things."""

from __future__ import annotations

from functools import partial
from typing import Any

import trio

from adminapi.audit.log import AuditLog, Broken
from adminapi.audit.reading import search
from adminapi.audit.witness import Audit
from adminapi.dialects.parley.services import Services
from adminapi.health import Health
from adminapi.metrics import Metrics
from adminapi.operators.accounts import Accounts
from adminapi.operators.sessions import Operators
from adminapi.passwords import Passwords
from adminapi.repeats.calls import Repeats
from adminapi.settings import Place
from adminapi.shared import Shared
from protocol.errors import Reason, Refused


def services(
    place: Place, passwords: Passwords, metrics: Metrics, shared: Shared, audit: Audit, repeats: Repeats
) -> Services:
    return Services(
        operator_token=place.admin.operator_token,
        hash_password=passwords.hash,
        own_metrics=metrics.text,
        operators=Operators(Accounts(place.operators), passwords),
        watch=shared.watch,
        sockets=place.sockets,
        checks=Health(place, audit, repeats).checks,
        audit=partial(searched, audit.files),
    )


async def searched(
    log: AuditLog, app: str, user: str, limit: int, before: int | None
) -> tuple[list[dict[str, Any]], int | None]:
    """A page of the audit log. STORAGE_UNAVAILABLE if it cannot be read."""
    try:
        return await trio.to_thread.run_sync(search, log, app, user, limit, before)
    except (OSError, Broken) as error:
        raise Refused(Reason.STORAGE_UNAVAILABLE, f"The audit log cannot be read: {error}") from None
