"""The apps: their keys and settings."""

from __future__ import annotations

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.parley import schemas
from adminapi.dialects.parley.endpoints.shapes import NO_APP, app_shape
from adminapi.schemas import About

routes = Routes()


@routes.add("GET", "/-/api/apps", about=About(answer=schemas.APPS))
async def list_apps(ask: Ask, broker: Broker) -> Answer:
    """The apps the caller sees, without their keys."""
    apps = (broker.apps or {}).values() if ask.app is NO_APP else [ask.app]
    return json_answer({"apps": [app_shape(app) for app in apps]})


@routes.add("GET", "/-/api/apps/{app}", about=About(answer=schemas.APP))
async def get_app(ask: Ask, broker: Broker) -> Answer:
    """An app and its settings, without its keys."""
    return json_answer(app_shape(ask.app))
