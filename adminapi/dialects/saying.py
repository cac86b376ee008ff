"""How a command is said in a dialect: the words in which each dialect's `saying` module answers the translator.

The law: a saying is checked, never believed. Whoever asks for one runs the call it gives as the dialect itself would and
compares the command that comes of it with the one that was to be said (`adminapi.translator`), so a field that a dialect
cannot carry is found, and named, without anybody having written it down. A saying of another command, where a dialect has
nothing closer, says so: `near`, with a note.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

import msgspec

from adminapi.dialect import Ask
from protocol.records import Kind

Fields = Mapping[str, Any]
"""Of a command in plain values: JSON for its bytes, what has its default left out, the acting user as `as`."""
Note = tuple[str, str]
"""A sentence in English, and in Chinese."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a dialect, without the proof of its caller."""

    method: str
    path: str
    """Quoted; see `segment`."""
    query: tuple[tuple[str, str], ...] = ()
    body: object = None
    """JSON; None: no body."""
    file: str = ""
    """The field of a multipart body that is a file; "" if it is none."""
    headers: tuple[tuple[str, str], ...] = ()
    near: bool = False
    """It does something else, the nearest there is; the note says what."""
    note: Note | None = None


class Names(Protocol):
    """How conversations and messages are called in a dialect. An id that is none of the app's is called as it came."""

    app: str
    kind: Kind | None
    """Of the conversation that is meant, if the call to be said tells."""

    def hex32(self, number: int) -> str: ...
    def hex24(self, number: int) -> str: ...
    def base64(self, number: int | str) -> str: ...


Say = Callable[[Fields, Names], "Call | Sequence[Call] | Note"]
"""Says a command; a Note instead says why it cannot be said."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint is for, where its commands alone do not tell: `verb` in place of the command's name, and fields that
    show in the request only."""

    verb: str = ""
    command: str = ""
    """The one whose fields count; "": as for any endpoint."""
    more: Callable[[Ask], dict[str, Any]] | None = None


class Sayings(dict[str, Say]):
    """What a dialect can say, by the name of the command; and `points`, by the name of the endpoint's function."""

    def __init__(self, points: Mapping[str, Point] | None = None, kinds: Mapping[str, Kind] | None = None) -> None:
        super().__init__()
        self.points = points or {}
        self.kinds = kinds or {}
        """Of the conversations below a path, by a part of it."""

    def of(self, *verbs: str) -> Callable[[Say], Say]:
        """Register the decorated function for these commands."""

        def register(say: Say) -> Say:
            for verb in verbs:
                self[verb] = say
            return say

        return register


def segment(value: object) -> str:
    """One segment of a path. A shell's variable stays one."""
    return quote(str(value), safe="$:@_-.~")


def without_none(**fields: object) -> dict[str, object]:
    return {key: value for key, value in fields.items() if value is not None}


def key_of(fields: Fields) -> tuple[tuple[str, str], ...]:
    """The header that names a call, so that a repeat is not done again."""
    key = fields.get("client_msg_id")
    return (("Idempotency-Key", key),) if key else ()


def value_of(fields: Fields, field: str, op: str = "=") -> Any:
    """What a search asks `field` to be; None if it does not."""
    for name, found, value in fields.get("where", ()):
        if (name, found) == (field, op):
            return value
    return None
