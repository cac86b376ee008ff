"""A multipart body on its way to the disk: werkzeug's decoder fed piece by piece, files written as they come.

The law: nothing of a file is held in memory beyond one piece; every file that was begun is discarded unless an endpoint
kept it; and what is not multipart, or breaks off, is BAD_FILE rather than half a file.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from adminapi.files import Files, Incoming
from protocol.apps import App
from protocol.errors import Reason, Refused

FIELD_BYTES = 65_536
"""All text fields of a body together."""
BUFFER_BYTES = 1_048_576
"""What the decoder may hold while it looks for the end of a part's headers; more than one piece from the network."""
MOST_PARTS = 20
OVERHEAD_BYTES = 262_144
"""Boundaries, part headers and text fields on top of the file's own bytes."""
DISCARD_SECONDS = 5.0

NextPiece = Callable[[], Awaitable[bytes | None]]
"""The next piece of the body, None at its end."""


class Body:
    """What a multipart body held."""

    def __init__(self) -> None:
        self.files: dict[str, Incoming] = {}
        """By field; of two in one field the first."""
        self.begun: list[Incoming] = []
        self.fields: dict[str, str] = {}

    def content(self) -> bytes:
        """The same for bodies with the same files and fields, whatever the boundary between their parts."""
        files = [(field, file.name, file.type, file.digest.hexdigest()) for field, file in sorted(self.files.items())]
        return repr((files, sorted(self.fields.items()))).encode()


@asynccontextmanager
async def received(next_piece: NextPiece, content_type: str, files: Files, app: App, base_url: str) -> AsyncIterator[Body]:
    """The body, whole and on disk; its files go at the end unless kept. BAD_FILE, TOO_LARGE, STORAGE_UNAVAILABLE."""
    body = Body()
    try:
        await read(body, next_piece, content_type, files, app, base_url)
        yield body
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + DISCARD_SECONDS):
            for incoming in body.begun:
                await incoming.discard()


async def read(body: Body, next_piece: NextPiece, content_type: str, files: Files, app: App, base_url: str) -> None:
    kind, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not boundary or len(boundary) > 200:
        raise Refused(Reason.BAD_FILE, "Send the file as multipart/form-data.")
    decoder = MultipartDecoder(boundary.encode("utf-8", "replace"), BUFFER_BYTES, max_parts=MOST_PARTS)
    current: Incoming | str | None = None
    received_bytes = 0
    try:
        while True:
            chunk = await next_piece()
            received_bytes += len(chunk or b"")
            if received_bytes > app.settings.file_bytes + OVERHEAD_BYTES:
                limit = app.settings.file_bytes
                raise Refused(Reason.TOO_LARGE, f"The file is larger than {limit} bytes, the most this app allows.")
            decoder.receive_data(chunk)  # None tells it that this is the end, and it raises where it must not be
            while not isinstance(event := decoder.next_event(), NeedData):
                if isinstance(event, File):
                    name = event.filename or ""
                    type = event.headers.get("content-type", "")
                    current = await files.begin(app, base_url, field=event.name, name=name, type=type)
                    body.begun.append(current)
                    body.files.setdefault(event.name, current)
                elif isinstance(event, Field):
                    current = event.name
                    body.fields[current] = ""
                elif isinstance(event, Data):
                    if isinstance(current, Incoming):
                        await current.write(event.data)
                    elif current is not None:
                        append(body.fields, current, event.data)
                elif isinstance(event, Epilogue):
                    return
    except RequestEntityTooLarge:
        raise Refused(Reason.TOO_LARGE, f"A multipart body has at most {MOST_PARTS} parts.") from None
    except ValueError:
        raise Refused(Reason.BAD_FILE, "The multipart body breaks off, or is none; send it again.") from None


def append(fields: dict[str, str], name: str, data: bytes) -> None:
    fields[name] += data.decode("utf-8", "replace")
    if sum(len(text) for text in fields.values()) > FIELD_BYTES:
        raise Refused(Reason.TOO_LARGE, "The text fields of the body are too large.")
