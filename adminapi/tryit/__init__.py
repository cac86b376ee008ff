"""`/-/try`, a chat with oneself in the browser, and `/-/parley.js`, the client library it is the example of.

The law: the page is open and holds no key. What it does it does as a user, on the sockets every client has, with what its
visitor gives it; only an app that lets anybody in by a bare name is offered without asking, and only to whoever sits at this
host, as the `demo` app of `parley up` is. Any page may import the library: it is public, and knows nothing.
"""

from __future__ import annotations

from importlib import resources

import msgspec

from adminapi.dialect import Answer
from adminapi.pages import TYPES, Folder, fixed, served
from protocol.sockets import Sockets

PATH = "/-/try"
LIBRARY = "/-/parley.js"


def pages(sockets: Sockets) -> dict[str, Answer]:
    """By path."""
    library = fixed(resources.files("protocol.clients").joinpath("parley.js").read_bytes(), TYPES[".js"])
    library = msgspec.structs.replace(library, headers=(*library.headers, ("Access-Control-Allow-Origin", "*")))
    return {LIBRARY: library, **served(Folder("adminapi.tryit", PATH, sockets.sources))}
