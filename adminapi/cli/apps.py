"""`parley app ...` and `parley token`: apps, their keys and settings, and login tokens.

The law: the settings file is never written; an app that stands there is changed there. Keys are shown where they are asked
for, and nowhere else: not in an error, not in the audit log.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence

import msgspec

from adminapi.cli.errands import app_named, app_table, asked, say
from adminapi.dialects.keys import KEYS, fresh, rotated, settings_with, utc
from adminapi.settings import Place
from protocol.apps import App, AppSettings
from protocol.codec import is_name
from protocol.commands import AddApp
from protocol.errors import Reason, Refused
from protocol.settings import BadSettings
from protocol.tokens import make_jwt


def app_add(given: argparse.Namespace, place: Place) -> int:
    if not given.id or not given.id.isprintable():
        raise BadSettings("an app's id is a text of at least one printable character")
    app = app_table(place).get(given.id) or App(id=given.id, **fresh(KEYS))
    changed = {name: value for name in KEYS if (value := getattr(given, name)) is not None}
    if any(not value or not value.isprintable() for value in changed.values()):
        raise BadSettings("a key is a text of at least one printable character")
    app = msgspec.structs.replace(app, settings=settings_of(app.settings, given.set), **changed)
    return put(given, place, app, "app add")


def app_set(given: argparse.Namespace, place: Place) -> int:
    app = app_named(place, given.id)
    app = msgspec.structs.replace(app, settings=settings_of(app.settings, given.set))
    return put(given, place, app, "app set")


def app_rotate(given: argparse.Namespace, place: Place) -> int:
    """New keys. The ones until now, and earlier ones whose overlap is not over, stay good for `--overlap` hours at most."""
    app = app_named(place, given.id)
    made = rotated(app, given.only or KEYS, round(given.overlap * 3_600_000), time.time_ns() // 1_000_000)
    return put(given, place, made, "app rotate")


def put(given: argparse.Namespace, place: Place, app: App, verb: str) -> int:
    try:
        asked(place, AddApp(app=app), verb)
    except Refused as refused:
        if refused.reason is not Reason.EXISTS:
            raise
        words = f"App {app.id} stands in the settings file, which this command does not change. Change it there and reload"
        more = " Its old keys end at that moment; an overlap takes an app made by `parley app add`."
        detail = f"{words} the broker (SIGHUP, or `systemctl reload broker`).{more if verb == 'app rotate' else ''}"
        raise Refused(Reason.EXISTS, f"{detail} `parley app show {app.id}` shows it as it is.") from None
    return show(given, app_named(place, app.id))


def settings_of(settings: AppSettings, pairs: Sequence[str]) -> AppSettings:
    """The settings with `name=value` pairs laid over them."""
    changes: dict[str, str] = {}
    for pair in pairs:
        name, equals, changes[name] = pair.partition("=")
        if not equals:
            raise BadSettings(f"settings: {pair!r} has no value; write NAME=VALUE")
    return settings_with(settings, changes, strict=False)


def app_list(given: argparse.Namespace, place: Place) -> int:
    apps = app_table(place).values()
    value = {"apps": [{"id": app.id, "disabled": app.disabled} for app in apps]}
    return say(given, value, *(f"{app.id}{'  disabled' if app.disabled else ''}" for app in apps))


def app_show(given: argparse.Namespace, place: Place) -> int:
    return show(given, app_named(place, given.id))


def show(given: argparse.Namespace, app: App) -> int:
    lines = [f"{name:20} {getattr(app, name)}" for name in ("id", *KEYS, "rev", "disabled")]
    lines += [f"{name:20} {json.dumps(getattr(app.settings, name))}" for name in app.settings.__struct_fields__]
    for keys in app.earlier:
        over = "is over since" if keys.until_ms <= time.time() * 1000 else "good until"
        lines += [f"{'earlier ' + kind:20} {getattr(keys, kind)}  {over} {utc(keys.until_ms)}" for kind in KEYS]
    return say(given, msgspec.to_builtins(app), *lines)


def token(given: argparse.Namespace, place: Place) -> int:
    app = app_named(place, given.app)
    if not is_name(given.user, 128):
        raise BadSettings("USER must be 1 to 128 characters of UTF-8 without control characters")
    until = int(time.time() + given.hours * 3600)
    text = make_jwt(app.secret, {"unique_name": given.user, "exp": until})
    return say(given, {"token": text, "user": given.user, "expires": until}, text)
