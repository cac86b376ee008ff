"""Images as the bytes of a commit: msgpack arrays, by msgspec.

A commit's body is an array of images, an image the array (app, table, key, row or nil), a row the array of its fields in
the order of its type. The table tells the type of the row, so that a row read back has the very types it was written
with; fields at the end that an older program did not know take their defaults, those a newer one added are passed over.
This is on the path of every message: encoding is one call, and decoding one more for each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from broker.hub.rows import TABLES, Image


class RawImage(msgspec.Struct, array_like=True, gc=False):
    """An image whose row is not looked at yet."""

    app: str
    table: str
    key: tuple[int | str, ...]
    row: msgspec.Raw


NIL = b"\xc0"
ENCODER = msgspec.msgpack.Encoder()
IMAGES = msgspec.msgpack.Decoder(list[RawImage])
ROWS: dict[str, msgspec.msgpack.Decoder[Any]] = {
    name: msgspec.msgpack.Decoder(table.row | None) for name, table in TABLES.items()
}


class UnreadableCommit(Exception):
    """The bytes are sound (the journal checks them) and yet no list of images: a newer program wrote them, or a bug."""


def encode(images: Sequence[Image]) -> bytes:
    """The body of a commit. UnicodeEncodeError, OverflowError: a value no store can take, which the codec lets nobody
    send; nothing was written then."""
    return ENCODER.encode(images)


def decode(body: bytes) -> list[Image]:
    """The images of a body, with rows of their table's type. UnreadableCommit if it is none."""
    try:
        return [Image(raw.app, raw.table, raw.key, ROWS[raw.table].decode(raw.row)) for raw in IMAGES.decode(body)]
    except KeyError as error:
        raise UnreadableCommit(f"a commit changes the table {error}, which this program does not know") from None
    except msgspec.DecodeError as error:
        raise UnreadableCommit(f"a commit cannot be read: {error}") from error
