"""Signing in and out: from a name and a password to a token, and from a token to who it is and what he may do.

The law: nothing but the file of accounts decides, and it is asked anew at every call (`adminapi.operators.accounts`): a role
is the account's role now. A token is signed, so a stranger's is refused without a look at any account; it is over after
SESSION_MS whatever happens, and before that once it is signed out or its account has changed. Whether a name is an account's
shows neither in the answer nor in its time: a password is compared either way.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Callable

import msgspec
import trio

from adminapi.dialect import OperatorRole
from adminapi.operators.accounts import ENDED_MOST, Account, Accounts, Book, renewed
from adminapi.operators.attempts import Attempts
from adminapi.passwords import NOBODYS, Passwords
from protocol.errors import Reason, Refused

SESSION_MS = 12 * 3_600_000
NAME_MOST = 64
SIGNATURE_BYTES = 32


class Token(msgspec.Struct, array_like=True, frozen=True):
    """What is signed."""

    name: str
    serial: str
    id: str
    expires_ms: int


class OperatorSession(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    role: OperatorRole
    expires_ms: int


class Operators:
    def __init__(self, accounts: Accounts, passwords: Passwords, *, clock: Callable[[], float] = time.time) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._clock = clock
        self._attempts = Attempts()

    async def sign_in(self, name: str, password: str, address: str) -> tuple[str, OperatorSession]:
        """A token for 12 h. WRONG_PASSWORD, which also says that there is no such account; TOO_FAST, OVERLOADED."""
        name = name[: NAME_MOST + 1]
        self._attempts.begin(name, address)
        found = self._accounts.book().find(name)
        fits = await self._passwords.verify(found.password if found is not None else NOBODYS, password)
        book = self._accounts.book()
        now = book.find(name)
        if found is None or not fits or now is None or now.serial != found.serial:
            raise Refused(Reason.WRONG_PASSWORD, "There is no such operator, or this is not the password.")
        self._attempts.succeeded(name, address)
        expires_ms = self._now_ms() + SESSION_MS
        token = Token(name, found.serial, secrets.token_urlsafe(12), expires_ms)
        return sealed(book.key, token), OperatorSession(name=name, role=found.rights, expires_ms=expires_ms)

    def session(self, text: str) -> OperatorSession | None:
        """Whose token it is; None if it is none of ours, or over."""
        token, account = self._read(text)
        if token is None or account is None:
            return None
        return OperatorSession(name=account.name, role=account.rights, expires_ms=token.expires_ms)

    async def sign_out(self, text: str) -> None:
        """The token is over. No error if it was."""
        token, _ = self._read(text)
        if token is None:
            return
        over, now_ms = token, self._now_ms()

        def end(book: Book) -> Book:
            account = book.find(over.name)
            if account is None or account.serial != over.serial:
                return book
            ended = (*(each for each in account.ended if each[1] > now_ms), (over.id, over.expires_ms))
            if len(ended) > ENDED_MOST:
                return book.put(renewed(account))
            return book.put(msgspec.structs.replace(account, ended=ended))

        try:
            await trio.to_thread.run_sync(self._accounts.change, end)
        except OSError as error:
            words = f"The file of operators cannot be written ({error.strerror or error}), so the session goes on."
            raise Refused(Reason.STORAGE_UNAVAILABLE, words) from None

    def _read(self, text: str) -> tuple[Token | None, Account | None]:
        book = self._accounts.book()
        token = opened(book.key, text) if book.key else None
        if token is None or token.expires_ms <= self._now_ms():
            return None, None
        account = book.find(token.name)
        if account is None or account.serial != token.serial or any(id == token.id for id, _ in account.ended):
            return None, None
        return token, account

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def sealed(key: str, token: Token) -> str:
    body = msgspec.msgpack.encode(token)
    return base64.urlsafe_b64encode(signature(key, body) + body).rstrip(b"=").decode()


def opened(key: str, text: str) -> Token | None:
    """None unless it was sealed with this key."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        body = raw[SIGNATURE_BYTES:]
        if not hmac.compare_digest(raw[:SIGNATURE_BYTES], signature(key, body)):
            return None
        return msgspec.msgpack.decode(body, type=Token)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        return None


def signature(key: str, body: bytes) -> bytes:
    return hmac.digest(b"parley-operator\0" + key.encode(), body, "sha256")
