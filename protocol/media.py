"""MaxLeap's message content and our one model of a message: (type, body), both ways (ML-47).

To MaxLeap a message is `{"media": int, "body": text}`: 0 text, 1 image, 2 audio, 3 video, whose body is a URL; higher
numbers are reserved. A `remark` may stand beside it. Ours has `type` and a body with the keys `text`, `attr`, `url`.

The law: what MaxLeap's side said comes back the same. What was said elsewhere and has no media of its own is shown as a
text that says as much as it can: the text, else the URL (of a file first), else the JSON of its attributes.

Readings:
* Image, audio and video are our types -2, -3, -4, the body their `url`; without a URL they are shown as text.
* Reserved numbers, from 4 on, are the app's own types of the same number, and the reverse.
* The remark is the key `remark` of `attr`.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson

from protocol.codec import write_json
from protocol.records import Message
from protocol.richtext import words_of

TEXT, IMAGE, AUDIO, VIDEO = range(4)
LARGEST = (1 << 31) - 1
FILE = -6
"""Our type of a file."""


class Content(NamedTuple):
    """What was said, in MaxLeap's words; `remark` "" if there is none."""

    media: int
    body: str
    remark: str = ""


def body_of(content: Content) -> tuple[int, bytes]:
    """(type, body) of what a MaxLeap client says."""
    if content.media <= VIDEO:
        kind = -1 - content.media
    else:
        kind = content.media
    said: dict[str, object] = {"url" if -4 <= kind <= -2 else "text": content.body}
    if content.remark:
        said["attr"] = {"remark": content.remark}
    return kind, write_json(said)


def content_of(message: Message) -> Content:
    """The message as MaxLeap's side reads it. Of one taken back the body is empty."""
    body = words_of(message.body)
    text, attr, url = (body.get(key) for key in ("text", "attr", "url"))
    remark = attr.get("remark") if isinstance(attr, dict) else None
    remark = remark if isinstance(remark, str) else ""
    if -4 <= message.type <= -2 and isinstance(url, str) and url:
        return Content(-1 - message.type, url, remark)
    media = message.type if VIDEO < message.type <= LARGEST else TEXT
    for each in (url, text) if message.type == FILE else (text, url):
        if isinstance(each, str) and each:
            return Content(media, each, remark)
    if attr is None or attr == {"remark": remark}:
        return Content(media, "", remark)
    return Content(media, orjson.dumps(attr).decode())
