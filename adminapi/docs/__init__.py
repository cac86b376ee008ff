"""What describes the management APIs to the outside: `/-/openapi.json`, and `/-/docs`, the page that shows it.

The law: open to anybody, for it says what the program is and nothing of what is in it; nothing is loaded from elsewhere and
no script stands in the markup, so the page's policy forbids both; a browser asks each time whether its copy is still good
and nearly always gets a 304.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import resources

import msgspec
import orjson

from adminapi.dialect import Answer, Dialect
from adminapi.openapi import document

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = {
    "/-/docs": ("page.html", "text/html; charset=utf-8"),
    "/-/docs/page.css": ("page.css", "text/css; charset=utf-8"),
    "/-/docs/page.js": ("page.js", "text/javascript; charset=utf-8"),
}


def pages(dialects: Sequence[Dialect]) -> dict[str, Answer]:
    """By path. The paths are below `/-/`, and end without a slash."""
    found = {"/-/openapi.json": page(orjson.dumps(document(dialects)), "application/json")}
    for path, (name, type) in PAGE.items():
        found[path] = page(resources.files(__name__).joinpath(name).read_bytes(), type)
    return found


def page(body: bytes, type: str) -> Answer:
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = (
        ("ETag", tag),
        ("Cache-Control", "no-cache"),
        ("Content-Security-Policy", POLICY),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    )
    return Answer(body=body, type=type, headers=headers)


def fresh(answer: Answer, if_none_match: str) -> Answer:
    """The answer, or a 304 if the caller has it already (RFC 9110 13.1.2)."""
    tag = dict(answer.headers)["ETag"]
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return msgspec.structs.replace(answer, status=304, body=b"") if known & {tag, "*"} else answer
