"""Images as the bytes of a commit: msgpack arrays, by msgspec.

A commit's body is an array of images, an image the array (app, table, key, row or nil), a row the array of its fields in
the order of its type. The table tells the type of the row, so that a row read back has the very types it was written
with; fields at the end that an older program did not know take their defaults, those a newer one added are passed over.
This is on the path of every message: encoding is one call, and decoding one more for each row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from broker.hub.rows import TABLES, HeadRow, Image
from protocol.records import Message, PatchRecord


class RawImage(msgspec.Struct, array_like=True, gc=False):
    """An image whose row is not looked at yet."""

    app: str
    table: str
    key: tuple[int | str, ...]
    row: msgspec.Raw


LARGEST = (1 << 63) - 1
"""Of the integers a database takes."""
IMAGE_BYTES = 300
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


def rows_of(images: Iterable[Image]) -> Iterator[tuple[str, Any]]:
    return ((image.app, image.row) for image in images if image.row is not None)


def largest_of(images: Iterable[Image]) -> int:
    """The greatest id of a message or conversation among them; 0 if there is none."""
    numbered = (image for image in images if image.table in ("messages", "conversations"))
    return max((row.id for _, row in rows_of(numbered) if row.id <= LARGEST), default=0)


def starts_trim(image: Image) -> bool:
    """A store may have noted something to remove with this image."""
    row = image.row
    return row is not None and (
        (image.table == "heads" and row.floor > 0) or (image.table == "conversations" and row.deleted)
    )


def weigh(images: Iterable[Image]) -> int:
    """About how many bytes images hold in memory."""
    size = 0
    for image in images:
        row = image.row
        size += IMAGE_BYTES
        if isinstance(row, Message | PatchRecord):
            size += len(row.body)
        elif isinstance(row, HeadRow):
            size += len(row.last)
    return size
