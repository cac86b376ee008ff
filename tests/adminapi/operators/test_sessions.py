"""From a name and a password to a token, and when a token is over."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from adminapi.dialect import OperatorRole
from adminapi.operators import sessions
from adminapi.operators.accounts import Account, Accounts, renewed
from adminapi.operators.sessions import SESSION_MS, Operators, Token, sealed
from adminapi.passwords import NOBODYS, Passwords
from protocol.errors import Refused


async def made(path: Path) -> tuple[Operators, Accounts, list[float]]:
    """Operators with ann, a supporter whose password is `open sesame`; and the clock."""
    accounts, now = Accounts(path / "o.json"), [1000.0]
    hash = await Passwords().hash("open sesame")
    ann = Account(name="ann", role="support", password=hash, since_ms=1, serial="s1")
    accounts.change(lambda book: book.put(ann))
    return Operators(accounts, Passwords(), clock=lambda: now[0]), accounts, now


async def test_a_session_lasts_twelve_hours_and_outlives_a_restart(tmp_path: Path) -> None:
    operators, accounts, now = await made(tmp_path)
    token, session = await operators.sign_in("ann", "open sesame", "1.1.1.1")
    assert (session.name, session.role, session.expires_ms) == ("ann", OperatorRole.SUPPORT, 1_000_000 + SESSION_MS)
    restarted = Operators(Accounts(accounts.path), Passwords(), clock=lambda: now[0])
    assert restarted.session(token) == session
    now[0] += SESSION_MS / 1000
    assert restarted.session(token) is None


@pytest.mark.parametrize("change", ["role", "password", "remove"])
async def test_a_change_of_the_account_ends_its_sessions(tmp_path: Path, change: str) -> None:
    operators, accounts, _ = await made(tmp_path)
    token, _ = await operators.sign_in("ann", "open sesame", "1.1.1.1")
    if change == "remove":
        accounts.change(lambda book: book.drop("ann"))
    else:
        accounts.change(lambda book: book.put(renewed(book.named("ann"), **{change: "admin"})))
    assert operators.session(token) is None


async def test_signing_out_ends_one_session_and_only_that(tmp_path: Path) -> None:
    operators, accounts, now = await made(tmp_path)
    first, _ = await operators.sign_in("ann", "open sesame", "1.1.1.1")
    other, _ = await operators.sign_in("ann", "open sesame", "1.1.1.1")
    await operators.sign_out(first)
    assert operators.session(first) is None
    assert operators.session(other) is not None
    assert Operators(Accounts(accounts.path), Passwords(), clock=lambda: now[0]).session(first) is None
    now[0] += SESSION_MS / 1000 + 1
    third, _ = await operators.sign_in("ann", "open sesame", "1.1.1.1")
    await operators.sign_out(third)
    assert len(accounts.book().named("ann").ended) == 1  # what is over anyway is not remembered


async def test_more_ended_sessions_than_are_remembered_end_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "ENDED_MOST", 1)
    operators, _, _ = await made(tmp_path)
    tokens = [(await operators.sign_in("ann", "open sesame", "1.1.1.1"))[0] for _ in range(3)]
    for token in tokens[:2]:
        await operators.sign_out(token)
    assert [operators.session(token) for token in tokens] == [None] * 3


async def test_a_wrong_password_and_an_unknown_name_are_refused_alike(tmp_path: Path) -> None:
    operators, _, _ = await made(tmp_path)
    words = []
    for name in ("ann", "tom"):
        with pytest.raises(Refused, match="wrong_password") as refused:
            await operators.sign_in(name, "open says me", "1.1.1.1")
        words.append(str(refused.value))
    assert words[0] == words[1]


async def test_a_name_that_is_nobodys_takes_as_long(tmp_path: Path) -> None:
    """What is compared with is of the same price; the time itself says so within the noise of this machine."""
    operators, accounts, _ = await made(tmp_path)
    assert NOBODYS.split("$")[:4] == accounts.book().named("ann").password.split("$")[:4]
    taken: dict[str, list[float]] = {"ann": [], "tom": []}
    for _ in range(4):
        for name, times in taken.items():
            began = time.process_time()
            with pytest.raises(Refused):
                await operators.sign_in(name, "wrong", "")
            times.append(time.process_time() - began)
    assert min(taken["tom"]) > min(taken["ann"]) / 3


@pytest.mark.parametrize("key", ["", "another", "theirs"])
async def test_only_what_was_signed_here_counts(tmp_path: Path, key: str) -> None:
    operators, _, _ = await made(tmp_path)
    forged = sealed(key, Token("ann", "s1", "id", 1 << 50))
    for text in ("", "x", "é", forged, forged + "A", "A" * 1000):
        assert operators.session(text) is None
    good, _ = await operators.sign_in("ann", "open sesame", "")
    assert operators.session(good[:-2] + ("AA" if good[-2:] != "AA" else "BB")) is None


def test_without_accounts_no_token_counts(tmp_path: Path) -> None:
    operators = Operators(Accounts(tmp_path / "none.json"), Passwords())
    assert operators.session(sealed("", Token("ann", "s1", "id", 1 << 50))) is None
