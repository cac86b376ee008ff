"""Apps, their settings and keys, as our own API shows and takes them."""

from __future__ import annotations

import msgspec

from adminapi.schemas import anything, array, boolean, either, integer, nullable, obj, sent, text
from protocol.apps import AppSettings

SETTINGS = obj(msgspec.json.schema_components([AppSettings])[1]["AppSettings"]["properties"])
APP = obj(
    {
        "id": text(),
        "rev": integer("Grows with every change.", least=1),
        "disabled": boolean(),
        "fixed": boolean("It stands in the settings file, and changes there alone."),
        "settings": SETTINGS,
    }
)
APPS = obj({"apps": array(APP)})
KEY_KINDS = ("key", "master_key", "secret")
OVERLAP, OVERLAP_MOST = 86_400, 366 * 86_400
"""Seconds."""
CHANGES = obj({}, about="By the names of `/-/api/app-settings`.", rest=True, example={"sends_per_minute": 120})
NEW_APP = sent({"id": text(least=1, most=64, example="shop")}, {"settings": CHANGES})
APP_CHANGES = sent({"settings": CHANGES})
APP_MADE = obj({**APP["properties"], "keys": obj({kind: text() for kind in KEY_KINDS})})
KIND = text(among=KEY_KINDS)
ROTATION = sent(
    {},
    {
        "which": either(KIND, array(KIND, least=1), about="All if absent."),
        "overlap_s": integer("Seconds.", least=0, most=OVERLAP_MOST, default=OVERLAP),
    },
)
NEW_KEYS = obj(
    {
        "app": text(),
        "keys": obj({}, {kind: text() for kind in KEY_KINDS}),
        "earlier_until_ms": nullable(integer("The keys until now stay good until then.", least=0)),
    }
)
APP_SETTINGS = array(
    obj(
        {
            "name": text(),
            "type": text(among=("boolean", "integer", "choice")),
            "default": anything(),
            "text": text("What it means.", least=1),
            "least": nullable(integer()),
            "most": nullable(integer()),
            "choices": nullable(array(text())),
        }
    )
)
