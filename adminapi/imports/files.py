"""Reading exported files: JSON arrays, one object a line, answers of a REST query, gzip or not.

The law: a file is read piece by piece however long it is, and what is no JSON costs a row, not the file. What stands
between two objects (brackets of an array, commas, line ends) means nothing here, so all those forms are one; only that a
file ends within an array or an object is told, since what is missing then was to be imported too.
"""

from __future__ import annotations

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from os import SEEK_END
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from protocol.settings import BadSettings

PIECE = 1 << 20
LONGEST = 4 << 20
"""Characters of one object; what is longer, or no JSON, is passed over to the end of its line."""
BETWEEN = " \t\r\n,[]\ufeff"
GZIP = b"\x1f\x8b"

OPENING = re.compile(r'\{\s*"results"\s*:\s*\[')
"""Of an answer of a REST query, whose rows are read one by one where it is longer than an object may be."""

CUT_MOST = 5
"""Characters between the place where a decoder gives up and the end of what was cut off: those of an escape or a word."""

Row = dict[str, Any]


class Broken(NamedTuple):
    """What is no JSON object, or none that can be read, and the line on which it begins."""

    line: int


class Faulty(NamedTuple):
    """The file is not what was to be saved: more is missing than the row that stands here."""

    why: str


def rows_of(path: Path, advance: Any) -> Iterator[Row | Broken | Faulty]:
    """The objects of a file. `advance` is told how many bytes of the file have been read. BadSettings if there is no such
    file, or it cannot be read."""
    size = 0
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == GZIP
            size = raw.seek(0, SEEK_END)
            raw.seek(0)
            source = cast(IO[bytes], gzip.open(raw) if packed else raw)
            for line, value in _values(source, lambda: advance(raw.tell())):
                if isinstance(value, dict) and isinstance(value.get("results"), list) and "objectId" not in value:
                    yield from (row if isinstance(row, dict) else Broken(line) for row in value["results"])
                elif isinstance(value, dict) and type(value.get("code")) is int and "error" in value and len(value) == 2:
                    yield Faulty(f"it is an error answer of the service: {value['code']} {str(value['error'])[:200]}")
                elif value is CUT:
                    yield Faulty(f"it is cut off at byte {size}")
                else:
                    yield value if isinstance(value, dict) else Broken(line)
    except EOFError:
        yield Faulty(f"it is cut off at byte {size}")
    except (OSError, zlib.error) as error:
        raise BadSettings(f"{path} cannot be read: {error}") from None


CUT = object()
"""What stands at the end of a file that breaks off."""


def _values(source: IO[bytes], read: Any) -> Iterator[tuple[int, object]]:
    """Each value with its line, None for what is none; CUT at last if the file ends before an array or an object does."""
    decode = json.JSONDecoder().raw_decode
    text_of = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
    text, at, ended = "", 0, False
    line, counted = 1, 0
    between, inside = BETWEEN, False
    depth = 0
    while True:
        while at < len(text) and text[at] in between:
            depth += (text[at] == "[") - (text[at] == "]")
            at += 1
        line += text.count("\n", counted, at)
        counted = at
        value: object = None
        cut = False
        found = at < len(text) and not _is_comment(text, at)
        if found:
            try:
                value, at = decode(text, at)
            except json.JSONDecodeError as error:
                found = False
                cut = text[at] == "{" and (error.msg.startswith("Unterminated") or len(text) - error.pos <= CUT_MOST)
            except (ValueError, RecursionError):
                found = False
        if found:
            if isinstance(value, dict) or not inside:
                yield line, value
        elif ended and at >= len(text):
            if depth > 0:
                yield line, CUT
            return
        elif _is_comment(text, at) and (end := text.find("\n", at)) >= 0:
            at = end
        elif not ended and len(text) - at < LONGEST:
            piece = source.read(PIECE)
            ended = not piece
            text, at, counted = text[at:] + text_of(piece, ended), 0, 0
            read()
        elif opening := OPENING.match(text, at):
            # What stands around the rows, behind them too, is of no interest.
            at, between, inside = opening.end(), BETWEEN + ":}", True
            depth += 1
        elif cut:
            yield line, CUT
            return
        else:
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
            if not _is_comment(text, at):
                yield line, None


def _is_comment(text: str, at: int) -> bool:
    """The line `#filetype:JSON-streaming ...` with which such exports begin."""
    return text.startswith("#", at)
