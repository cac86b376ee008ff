"""The apps: their keys and settings."""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, cast

import msgspec

from adminapi.dialect import Answer, Ask, Broker, OperatorRole, Routes, json_answer
from adminapi.dialects.keys import KEYS, fresh, rotated, settings_with
from adminapi.dialects.parley.endpoints.shapes import NO_APP, app_shape
from adminapi.dialects.parley.schemas import apps as schemas
from adminapi.dialects.parley.services import Witness
from adminapi.schemas import About
from protocol import apps as described
from protocol.apps import App, AppSettings
from protocol.commands import AddApp, AppTable
from protocol.errors import Reason, Refused
from protocol.settings import BadSettings
from protocol.wires.native.fields import Data, as_object, bad, missing, name, whole

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


@routes.add("GET", "/-/api/app-settings", about=About(answer=schemas.APP_SETTINGS))
async def list_settings(ask: Ask, broker: Broker) -> Answer:
    """What an app may set, and what each setting means."""
    return json_answer(explained())


@routes.add(
    "POST",
    "/-/api/apps",
    about=About(answer=schemas.APP_MADE, body=schemas.NEW_APP),
    operators=True,
    role=OperatorRole.ADMIN,
)
async def add_app(ask: Ask, broker: Witness) -> Answer:
    """Add an app.

    Its keys are drawn here and shown in this answer only; `parley app show` on the server shows them again."""
    data = ask.json_object()
    id = name(data, "id", 64)
    if id in (broker.apps or {}):
        raise Refused(Reason.EXISTS, f"There is an app {id} already.")
    try:
        app = msgspec.convert({"id": id, **fresh(KEYS)}, App)
    except msgspec.ValidationError:
        bad("id", "1 to 64 letters, digits, '.', '_' or '-', the first a letter, a digit or '_'")
    app = msgspec.structs.replace(app, settings=changed(app.settings, data.get("settings") or {}))
    await broker.changing("AddApp", id)
    return json_answer({**app_shape(await put(broker, app)), "keys": {kind: getattr(app, kind) for kind in KEYS}})


@routes.add(
    "PATCH",
    "/-/api/apps/{app}",
    about=About(answer=schemas.APP, body=schemas.APP_CHANGES),
    operators=True,
    role=OperatorRole.ADMIN,
)
async def change_app(ask: Ask, broker: Broker) -> Answer:
    """Change settings of an app; those that are not named stay.

    They hold from now on. An app of the settings file is changed there."""
    data = ask.json_object()
    if data.get("settings") is None:
        missing("settings")
    app = msgspec.structs.replace(ask.app, settings=changed(ask.app.settings, data["settings"]))
    return json_answer(app_shape(await put(broker, app)))


@routes.add(
    "POST",
    "/-/api/apps/{app}/keys",
    about=About(answer=schemas.NEW_KEYS, body=schemas.ROTATION),
    operators=True,
    role=OperatorRole.ADMIN,
)
async def rotate_keys(ask: Ask, broker: Broker) -> Answer:
    """Give an app new keys, shown in this answer only.

    The keys until now stay good for `overlap_s`; 0 ends them, and all earlier ones, at once."""
    data = ask.json_object()
    which = data.get("which", list(KEYS))
    kinds = [which] if isinstance(which, str) else which
    if not isinstance(kinds, list) or not kinds or not all(kind in KEYS for kind in kinds):
        bad("which", f"one of {', '.join(KEYS)}, or a list of them")
    overlap_s = whole(data, "overlap_s", 0, schemas.OVERLAP_MOST, schemas.OVERLAP)
    app = await put(broker, rotated(ask.app, kinds, overlap_s * 1000, ask.now_ms))
    until_ms = app.earlier[0].until_ms if overlap_s else None
    return json_answer({"app": app.id, "keys": {kind: getattr(app, kind) for kind in kinds}, "earlier_until_ms": until_ms})


async def put(broker: Broker, app: App) -> App:
    """Have the broker take it; the app as it is then."""
    if app.fixed:
        words = f"App {app.id} stands in the settings file. Change it there and reload the broker (SIGHUP)."
        raise Refused(Reason.EXISTS, words)
    table = cast(AppTable, await broker.call(AddApp(app=app)))
    return next(each for each in table.apps if each.id == app.id)


def changed(settings: AppSettings, changes: object) -> AppSettings:
    try:
        return settings_with(settings, as_object(changes, "settings"))
    except BadSettings as error:
        raise Refused(Reason.BAD_FORMAT, f"{error}.") from None


@functools.cache
def explained() -> tuple[Data, ...]:
    """Of each setting what its type allows, and the words that stand beneath it in `protocol.apps`."""
    shapes: dict[str, Any] = msgspec.json.schema_components([AppSettings])[1]["AppSettings"]["properties"]
    texts = dict(docstrings())
    return tuple(
        {
            "name": name,
            "type": "choice" if "enum" in shape else shape["type"],
            "default": shape["default"],
            "text": texts[name],
            "least": shape.get("minimum"),
            "most": shape.get("maximum"),
            "choices": shape.get("enum"),
        }
        for name, shape in shapes.items()
    )


def docstrings() -> Iterator[tuple[str, str]]:
    """The fields of AppSettings, each with the text beneath it."""
    tree = ast.parse(inspect.getsource(described))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "AppSettings")
    for field, text in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            yield field.target.id, inspect.cleandoc(ast.literal_eval(text.value)).replace("\n", " ")
