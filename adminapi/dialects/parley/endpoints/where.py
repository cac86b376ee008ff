"""What the try-it page (`/-/try/`) asks before anything else: where the sockets are, and which apps it may use unasked."""

from __future__ import annotations

import ipaddress

import msgspec

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.parley.services import Services
from adminapi.schemas import About, array, nullable, obj, text
from protocol.apps import App

WHERE = obj(
    {
        "socket": text("Their URL.", example="ws://127.0.0.1:7700"),
        "apps": nullable(array(text("Its id.", example="demo"), "Apps that anybody here may log in to by a bare name.")),
    }
)


def routes_with(services: Services) -> Routes:
    routes = Routes()

    @routes.add("GET", "/-/try/where", about=About(answer=WHERE), open=True)
    async def where(ask: Ask, broker: Broker) -> Answer:
        """Where the sockets are, and the apps the try-it page offers.

        `apps` are those that let anybody in by a bare name, told to whoever sits at this host; null while the broker is
        away."""
        here = sits_here(ask)
        open_apps = None if broker.apps is None else [app.id for app in broker.apps.values() if here and is_open(app)]
        socket = services.sockets.at(ask.base_url, secure=ask.base_url.startswith("https:"))
        answer = json_answer({"socket": socket, "apps": open_apps})
        return msgspec.structs.replace(answer, headers=(("Cache-Control", "no-store"),))

    return routes


def is_open(app: App) -> bool:
    return not app.settings.token_required and not app.disabled


def sits_here(ask: Ask) -> bool:
    """Its address is this host's, or that of a trusted proxy which names nobody: by default this host."""
    try:
        return not ask.remote or ipaddress.ip_address(ask.remote).is_loopback
    except ValueError:
        return False
