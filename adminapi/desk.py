"""What the dialect of our own API is given (`adminapi.dialects.parley.services`), made of the real things."""

from __future__ import annotations

from adminapi.dialects.parley.services import Services
from adminapi.metrics import Metrics
from adminapi.operators.accounts import Accounts
from adminapi.operators.sessions import Operators
from adminapi.passwords import Passwords
from adminapi.settings import Place
from adminapi.shared import Shared


def services(place: Place, passwords: Passwords, metrics: Metrics, shared: Shared) -> Services:
    return Services(
        operator_token=place.admin.operator_token,
        hash_password=passwords.hash,
        own_metrics=metrics.text,
        watch=shared.watch,
        operators=Operators(Accounts(place.operators), passwords),
    )
