"""Operators who have signed in, for the tests of our own API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from adminapi.operators.accounts import Account, Accounts
from adminapi.passwords import Passwords
from tests.adminapi.conftest import Served

PASSWORD = "open sesame"
SignIn = Callable[[str], Awaitable[dict[str, str]]]


@pytest.fixture
async def sign_in(served: Served, folder: Path) -> SignIn:
    """From a role to the headers of an operator of that name and role."""
    hash = await Passwords().hash(PASSWORD)

    def made(role: str) -> Account:
        return Account(name=role, role=role, password=hash, since_ms=1, serial="s1")  # type: ignore[arg-type]

    def all_roles(book: object) -> object:
        for role in ("viewer", "support", "admin"):
            book = book.put(made(role))  # type: ignore[attr-defined]
        return book

    Accounts(folder / "operators.json").change(all_roles)  # type: ignore[arg-type]

    async def done(role: str) -> dict[str, str]:
        answer = await served.client.post("/-/api/sign-in", json={"name": role, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return {"authorization": f"Bearer {answer.json()['token']}"}

    return done
