"""What describes the management APIs to the outside: `/-/openapi.json`, and `/-/docs`, the page that shows it.

The law: open to anybody, for it says what the program is and nothing of what is in it. How it is served: `adminapi.pages`.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from adminapi.dialect import Answer, Dialect
from adminapi.openapi import document
from adminapi.pages import Folder, fixed, served

DOCS = Folder("adminapi.docs", "/-/docs")


def pages(dialects: Sequence[Dialect]) -> dict[str, Answer]:
    """By path."""
    return {"/-/openapi.json": fixed(orjson.dumps(document(dialects)), "application/json"), **served(DOCS)}
