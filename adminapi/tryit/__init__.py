"""`/-/try`, a chat with oneself in the browser, and `/-/parley.js`, the client library it is the example of.

The law: the page is open and holds no key. What it does it does as a user, on the sockets every client has, with what its
visitor gives it; only an app that lets anybody in by a bare name is offered without asking, and only to whoever sits at this
host, as the `demo` app of `parley up` is. Any page may import the library: it is public, and knows nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from importlib import resources

import msgspec

from adminapi.dialect import Answer, Ask, json_answer
from adminapi.pages import TYPES, Folder, fixed, served
from protocol.apps import App
from protocol.sockets import Sockets

PATH = "/-/try"
LIBRARY = "/-/parley.js"


def pages(sockets: Sockets) -> dict[str, Answer]:
    """By path."""
    library = fixed(resources.files("protocol.clients").joinpath("parley.js").read_bytes(), TYPES[".js"])
    library = msgspec.structs.replace(library, headers=(*library.headers, ("Access-Control-Allow-Origin", "*")))
    return {LIBRARY: library, **served(Folder("adminapi.tryit", PATH, sockets.sources))}


def where(ask: Ask, peer: str, sockets: Sockets, apps: Mapping[str, App] | None) -> Answer:
    """`socket`: their URL. `apps`: those that let this visitor in by a bare name, null while the broker is away."""
    found = {
        "socket": sockets.at(ask.base_url, secure=ask.base_url.startswith("https:")),
        "apps": None if apps is None else [app.id for app in apps.values() if is_open(app) and sits_here(ask, peer)],
    }
    answer = json_answer(found)
    return msgspec.structs.replace(answer, headers=(*answer.headers, ("Cache-Control", "no-store")))


def is_open(app: App) -> bool:
    return not app.settings.token_required and not app.disabled


def sits_here(ask: Ask, peer: str) -> bool:
    """Whoever a proxy names, else the peer, is this host itself."""
    try:
        return ipaddress.ip_address(ask.remote or peer).is_loopback
    except ValueError:
        return False
