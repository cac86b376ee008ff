"""LeanCloud's message strings and our one model of a message: (type, body), both ways (LC-25; `protocols.md` 2.6).

To LeanCloud a message is any string; one that is JSON with an integer `_lctype` is rich text: `_lctext`, `_lcattrs`,
`_lcfile` (its `url`) and `_lcloc`. Ours has `type` and a body with the keys `text`, `attr`, `url`; the string as it came
is kept beside them under `lc`. A message may be bytes instead: they are kept under `lc` as `{"base64": text}`, type 0,
and say nothing in our words.

The law: whatever LeanCloud's side said comes back to LeanCloud letter for letter, so nothing our model lacks is lost.
What was said, or since edited, elsewhere comes back as rich text made of type, text, attr and url; an edit is seen by
comparing those with what `lc` reads as, and the rest of the original stays around it. A message taken back is `_lctype`
-127. What our model has no words for is shown elsewhere too, in `attr` (`words_of`).

Readings:
* A string without `_lctype` is a text, type -1, whole; so other wires show it as it is.
* `_lcloc` has no place of its own in our body: `latitude` and `longitude` of type -5 stand in `attr`, beside `_lcattrs`.
* A type beyond 32 bits, or a document our JSON reader refuses (equal keys twice, too deep), makes it a plain string.
"""

from __future__ import annotations

import base64
from typing import Literal, NamedTuple, cast

import msgspec
import orjson

from protocol.codec import Unreadable, read_json, write_json
from protocol.records import Message, Status

TEXT = -1
LOCATION = -5
RECALLED = '{"_lctype":-127}'
"""What stands where a message was taken back; the published SDKs have a class of their own for it."""
ORIGINAL = "lc"
BYTES = "base64"
BINARY = 0
"""Of a message of bytes: no type of LeanCloud's, and no native one."""
OURS = ("_lctype", "_lctext", "_lcattrs", "_lcfile", "_lcloc")
"""The fields of rich text that our model has words for."""
TYPES = range(-(1 << 31), 1 << 31)

Data = dict[str, object]


class Parts(NamedTuple):
    """What a message string says in our words, None for what it does not say."""

    type: int
    text: str | None
    attr: object
    url: str | None
    document: Data | None
    """The rich text it is; None if it is a plain string."""


class _Text(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The rich text of nine messages of ten."""

    kind: Literal[-1] = msgspec.field(name="_lctype")
    text: str = msgspec.field(name="_lctext")


_read_text = msgspec.json.Decoder(_Text).decode


def _text_of(string: str) -> str | None:
    """What `_parts` reads in a rich text of these two fields, in one step (measured: 0.6 us instead of 3.4); None of all
    others, and where a key may stand twice: each key has one colon outside of strings, as in `wires.native.plain`."""
    try:
        text = _read_text(string).text
    except (msgspec.DecodeError, UnicodeError):
        return None
    inside = string.count(":") - 2
    return None if inside and ("\\" in string or inside != text.count(":")) else text


def body_of(string: str) -> tuple[int, bytes]:
    """(type, body) of a message as a LeanCloud client or back office says it."""
    text = _text_of(string)
    if text is not None:
        return TEXT, write_json({"text": text, ORIGINAL: string})
    parts = _parts(string)
    said = {"text": parts.text, "attr": parts.attr, "url": parts.url, ORIGINAL: string}
    return parts.type, write_json({key: value for key, value in said.items() if value is not None})


def patch_of(string: str) -> tuple[int, bytes]:
    """(type, body) of an `EditMessage` that says this instead. An edit merges, so what is no longer said is null."""
    parts = _parts(string)
    return parts.type, write_json({"text": parts.text, "attr": parts.attr, "url": parts.url, ORIGINAL: string})


def binary_body_of(data: bytes) -> tuple[int, bytes]:
    """`body_of` a message of bytes."""
    return BINARY, write_json({ORIGINAL: _kept(data)})


def binary_patch_of(data: bytes) -> tuple[int, bytes]:
    """`patch_of` one."""
    return BINARY, write_json({"text": None, "attr": None, "url": None, ORIGINAL: _kept(data)})


def _kept(data: bytes) -> Data:
    return {BYTES: base64.b64encode(data).decode()}


def binary_of(message: Message) -> bytes | None:
    """The bytes of a message of bytes; None of any other, also of one that somebody has since given a text."""
    if message.status != Status.NORMAL or message.type != BINARY:
        return None
    body: Data = orjson.loads(message.body)
    original = body.get(ORIGINAL)
    kept = original.get(BYTES) if isinstance(original, dict) and len(body) == 1 else None
    return base64.b64decode(kept) if isinstance(kept, str) else None


def string_of(message: Message) -> str:
    """The message as LeanCloud's side reads it; base64 of a message of bytes (`binary_of`)."""
    if message.status != Status.NORMAL:
        return RECALLED
    if message.type == BINARY and (raw := binary_of(message)) is not None:
        return base64.b64encode(raw).decode()
    body: Data = orjson.loads(message.body)  # made by our own writer, so it needs no door
    get = body.get
    text, attr, url, original = get("text"), get("attr"), get("url"), get(ORIGINAL)
    text, url = (text if isinstance(text, str) else None), (url if isinstance(url, str) else None)
    if not isinstance(original, str):
        return _rich(Parts(message.type, text, attr, url, {}))
    if attr is None and url is None and text is not None and _is_text(original, text):
        return original
    said = _parts(original)
    if write_json([said.text, said.attr, said.url]) == write_json([text, attr, url]):
        return original
    if said.document is None and text is not None and attr is None and not url:
        return text
    return _rich(Parts(said.type, text, attr, url, said.document or {}))


def words_of(body: bytes) -> Data:
    """A body as every API but LeanCloud's shows it: `attr` has the fields an app's own rich text brings along, too, and of a
    message of bytes `{"base64": text}`."""
    said: Data = orjson.loads(body)  # made by our own writer, so it needs no door
    original = said.get(ORIGINAL)
    if original is None:  # nine of ten
        return said
    attr = said.get("attr")
    if isinstance(original, str) and (attr is None or isinstance(attr, dict)):
        own = {key: value for key, value in (_document(original) or {}).items() if key not in OURS and value is not None}
        if own:
            said["attr"] = {**own, **(attr or {})}
    elif isinstance(original, dict) and attr is None:
        said["attr"] = original
    return said


def _is_text(string: str, text: str) -> bool:
    """It surely says this text and nothing else: the rich text that SDKs write, told without reading it (every push of a
    message asks; measured: 1.3 us instead of 3.9)."""
    quoted = write_json(text).decode()
    return string == f'{{"_lctype":{TEXT},"_lctext":{quoted}}}' or string == f'{{"_lctext":{quoted},"_lctype":{TEXT}}}'


def _parts(string: str) -> Parts:
    document = _document(string)
    if document is None:
        return Parts(TEXT, string, None, None, None)
    kind = cast(int, document["_lctype"])
    text, attr, file = document.get("_lctext"), document.get("_lcattrs"), document.get("_lcfile")
    place = _coordinates(document.get("_lcloc"))
    if kind == LOCATION and place and (attr is None or isinstance(attr, dict)):
        attr = {**(attr or {}), **place}
    url = file.get("url") if isinstance(file, dict) else None
    return Parts(kind, text if isinstance(text, str) else None, attr, url if isinstance(url, str) else None, document)


def _document(string: str) -> Data | None:
    """The rich text behind the string, if it is one."""
    if not string.lstrip().startswith("{"):
        return None
    try:
        value = read_json(string.encode())
    except Unreadable:
        return None
    if not isinstance(value, dict) or type(kind := value.get("_lctype")) is not int or kind not in TYPES:
        return None
    return value


def _coordinates(value: object) -> Data:
    """`latitude` and `longitude` of an object that has both as numbers, else {}."""
    if not isinstance(value, dict):
        return {}
    found = {key: value.get(key) for key in ("latitude", "longitude")}
    return found if all(type(each) in (int, float) for each in found.values()) else {}


def _rich(parts: Parts) -> str:
    """Rich text that says this, on top of the document it replaces."""
    before, attr = parts.document or {}, parts.attr
    said: Data = {"_lctype": parts.type}
    if parts.text is not None or parts.type == TEXT:
        said["_lctext"] = parts.text or ""
    if parts.type == LOCATION and (place := _coordinates(attr)):
        attr = {key: value for key, value in cast(Data, attr).items() if key not in place} or None
        said["_lcloc"] = place
    if attr is not None:
        said["_lcattrs"] = attr
    if parts.url:
        file = before.get("_lcfile")
        same = isinstance(file, dict) and file.get("url") == parts.url
        said["_lcfile"] = file if same else {"url": parts.url}
    said.update((key, value) for key, value in before.items() if key not in OURS)
    return write_json(said).decode()
