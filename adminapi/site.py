"""All pages for browsers, and what they load, by path."""

from __future__ import annotations

from collections.abc import Sequence

from adminapi import docs, tryit
from adminapi.dialect import Answer, Dialect
from adminapi.pages import CONSOLE, LOOK, TRANSLATOR, served
from protocol.sockets import Sockets


def site(dialects: Sequence[Dialect], sockets: Sockets) -> dict[str, Answer]:
    return {**docs.pages(dialects), **served(LOOK, CONSOLE, TRANSLATOR), **tryit.pages(sockets)}
