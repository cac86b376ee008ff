"""The pages for browsers below `/-/`: fixed files of a folder, as answers that are made once.

The law: a page is open to anybody, for it holds nothing of what is in the program: what it shows it asks for, with a proof.
Nothing is loaded from elsewhere, no script or style stands in the markup, and each answer's policy forbids both; so what
somebody brings in from outside can never run. A browser asks each time whether its copy is still good and nearly always
gets a 304.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from importlib import resources

import msgspec

from adminapi.dialect import Answer

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What of a folder is served."""
FRONT = "page.html"
"""Served at the folder's own path."""
SELF = "'self'"
HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]", re.ASCII)
"""A host without its port, as it may stand in a policy."""


class Folder(msgspec.Struct, frozen=True):
    """A package whose files are served below a path, which ends without a slash."""

    package: str
    path: str
    connect: Sequence[str] = ()
    """Where its scripts may connect to besides here, as a policy names it; `{host}` is the host the page was asked from."""


LOOK = Folder("adminapi.look", "/-/look")
"""What all pages share."""
CONSOLE = Folder("adminapi.console", "/-/console")
TRANSLATOR = Folder("adminapi.translator", "/-/translate")


def served(*folders: Folder) -> dict[str, Answer]:
    """By path."""
    return {path: answer for folder in folders for path, answer in files(folder).items()}


def files(folder: Folder) -> dict[str, Answer]:
    found = {}
    for entry in sorted(resources.files(folder.package).iterdir(), key=lambda entry: entry.name):
        type = TYPES.get(entry.name[entry.name.rfind(".") :])
        if type is not None:
            path = folder.path if entry.name == FRONT else f"{folder.path}/{entry.name}"
            found[path] = fixed(entry.read_bytes(), type, folder.connect)
    return found


def policy(connect: Sequence[str] = ()) -> str:
    """The Content-Security-Policy."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        f"connect-src {' '.join([SELF, *connect])}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def fixed(body: bytes, type: str, connect: Sequence[str] = ()) -> Answer:
    """An answer that never changes, with its tag."""
    headers = (
        ("ETag", f'"{hashlib.sha256(body).hexdigest()[:32]}"'),
        ("Cache-Control", "no-cache"),
        ("Content-Security-Policy", policy(connect)),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    )
    return Answer(body=body, type=type, headers=headers)


def sent(answer: Answer, if_none_match: str, host: str) -> Answer:
    """The answer for one request, or a 304 if the caller has it already (RFC 9110 13.1.2). `host`: as the request has it."""
    headers = tuple((name, value.replace("{host}", bare(host))) for name, value in answer.headers)
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    if known & {dict(headers)["ETag"], "*"}:
        return msgspec.structs.replace(answer, status=304, body=b"", headers=headers)
    return msgspec.structs.replace(answer, headers=headers)


def bare(host: str) -> str:
    """Without its port; "localhost" for what is no host, so that nobody writes a policy of his own."""
    found = HOST.match(host)
    return found[0] if found and re.fullmatch(r"(:\d+)?", host[found.end() :]) else "localhost"
