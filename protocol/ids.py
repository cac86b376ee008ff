"""Ids of conversations and messages: one integer inside, one reversible text form per dialect outside (DESIGN 4).

41 bits of milliseconds since 2015-01-01 and 12 bits of sequence: below 2**53, so JSON clients keep it exact. The text
forms carry check bits keyed by the app, so an id of another app, or a mistyped one, is not an id here: the decoder
answers None and the caller says "not found". `IdForms` encodes; its `parse` decodes every form, whoever emitted it.

A conversation that was imported keeps the id it had (24 hex digits of LeanCloud's). Which of those there are only the hub
knows, and parsing knows no hub: such a text becomes an *alias number*, a digest of it beyond all ids, and the hub, which
makes the same number of every alias it holds, puts the conversation in its place before a command is executed. Of
messages there are too many to hold: the text stands in the command itself, and the store knows which it was.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from functools import lru_cache

EPOCH_MS = 1_420_070_400_000
"""2015-01-01T00:00:00Z in Unix milliseconds."""
SEQUENCE_BITS = 12
LARGEST = (1 << 53) - 1
ALIASES = 1 << 62
"""Alias numbers lie from here on; they stand in commands only, never in a row or an answer."""
TEMPORARIES = 1 << 63
"""This bit beside a conversation's number says that a temporary one is meant, and no other; in commands only, too."""
IMPORTED = 1 << (SEQUENCE_BITS - 1)
"""The sequences from here on belong to imported messages: ids that are minted as time goes by never get so far within
one millisecond."""
LANES = 128
"""Apps that may import messages; each has `LANE` sequences of every millisecond to itself."""
LANE = IMPORTED // LANES
OLD_ID_MOST = 128
"""Characters of the id a message had before it was imported."""
HEX = frozenset("0123456789abcdefABCDEF")
URL_SAFE = bytes.maketrans(b"+/", b"-_")


def time_of(number: int) -> int:
    """Unix milliseconds at which the id was made; a message's time is this."""
    return (number >> SEQUENCE_BITS) + EPOCH_MS


def first_at(ms: int) -> int:
    """The smallest id of that Unix millisecond (ids of earlier times are smaller)."""
    return max(ms - EPOCH_MS, 0) << SEQUENCE_BITS


class Mint:
    """Makes ids that only ever grow. 4,096 a millisecond; beyond that the next millisecond is used early."""

    __slots__ = ("lanes", "last")

    def __init__(self, last: int = 0) -> None:
        self.last = last
        self.lanes: dict[str, int] = {}
        """Of the apps that have imported messages; message ids are keys of one table for all apps."""

    def next(self, now_ms: int) -> int:
        """A new id, at `now_ms` or just after the last one, whichever is later."""
        number = (now_ms - EPOCH_MS) << SEQUENCE_BITS
        if number <= self.last:  # as all are that were before the epoch
            number = self.last + 1
        self.last = number
        return number

    def pass_by(self, number: int) -> None:
        """Make no id up to the end of this one's millisecond."""
        if number > self.last:
            self.last = first_at(time_of(number) + 1) - 1


RECENT = 1024
"""Texts of each form that are remembered. A check digest costs 1.3 us, to look one up 0.06; conversation ids repeat, and a
message's id is written for its sender and again for its receivers. 16,384 saved 1 to 3 us of 100 a message where 4,500
conversations are busy, and would hold as many of every message's too."""


class IdForms:
    """The text forms of one app's ids."""

    __slots__ = ("_keyed", "base64", "hex24", "hex32")

    def __init__(self, app: str) -> None:
        key = hashlib.blake2b(app.encode(), digest_size=32, person=b"parley-id").digest()
        self._keyed = {size: hashlib.blake2b(digest_size=size, key=key) for size in (4, 8)}
        """Copied for each digest, which spares it the key."""
        remember = lru_cache(maxsize=RECENT)
        self.hex32: Callable[[int], str] = remember(self._hex32)
        """MaxLeap and native: 32 hex digits."""
        self.hex24: Callable[[int], str] = remember(self._hex24)
        """LeanCloud conversation: 24 hex digits."""
        self.base64: Callable[[int], str] = remember(self._base64)
        """LeanCloud message: 22 characters, URL-safe base64."""

    def _check(self, raw: bytes, size: int) -> bytes:
        check = self._keyed[size].copy()
        check.update(raw)
        return check.digest()

    def _hex32(self, number: int) -> str:
        raw = number.to_bytes(8, "big")
        return (self._check(raw, 8) + raw).hex()

    def _hex24(self, number: int) -> str:
        raw = number.to_bytes(8, "big")
        return (raw + self._check(raw, 4)).hex()

    def _base64(self, number: int) -> str:
        raw = number.to_bytes(8, "big")
        return binascii.b2a_base64(self._check(raw, 8) + raw)[:22].translate(URL_SAFE).decode()

    def parse(self, text: str) -> int | None:
        """The integer behind any form (hex32, hex24, base64, decimal), or None if this app never emitted it."""
        try:
            if len(text) == 32:
                blob = bytes.fromhex(text)
                check, raw = blob[:8], blob[8:]
            elif len(text) == 24:
                blob = bytes.fromhex(text)
                raw, check = blob[:8], blob[8:]
            elif len(text) == 22:
                blob = base64.b64decode(text + "==", altchars=b"-_", validate=True)
                check, raw = blob[:8], blob[8:]
            elif text.isascii() and text.isdigit() and len(text) <= 16:
                number = int(text)
                return number if 0 < number <= LARGEST else None
            else:
                return None
        except (ValueError, binascii.Error):
            return None
        if len(raw) != 8 or check != self._check(raw, len(text) // 2 - 8 if len(text) == 24 else 8):
            return None
        number = int.from_bytes(raw, "big")
        if len(text) == 22 and self.base64(number) != text:
            return None  # the last character of 22 has four spare bits; one id has one spelling
        return number if 0 < number <= LARGEST else None

    def alias(self, text: str) -> int | None:
        """The alias number of an id LeanCloud may have given to a conversation, None if it is no such text."""
        if len(text) != 24 or not set(text) <= HEX:
            return None
        return ALIASES | int.from_bytes(self._check(text.lower().encode(), 8), "big") >> 2

    def conversation(self, text: str) -> int | None:
        """What `parse` makes of it, else the alias number: of a conversation, every id that may mean one."""
        number = self.parse(text)
        return self.alias(text) if number is None else number

    def message(self, text: str) -> int | str:
        """What `parse` makes of it, else the text: of a message, what may be the id it had before it was imported."""
        number = self.parse(text)
        return text if number is None else number
