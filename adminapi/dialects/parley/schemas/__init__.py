"""What our own endpoints take and answer, for the description under `/-/docs`; `endpoints` prints the shapes themselves,
and the tests hold the one against the other.
"""

from __future__ import annotations

import msgspec

from adminapi.schemas import NAME, USER_ID, Schema, anything, array, boolean, constant, integer, nullable, obj, sent, text
from protocol.apps import AppSettings

MUTE_SECONDS_MOST = 86_400
"""As `Mute` (LC-07)."""
SESSIONS_MOST = 1000
JOIN_REQUESTS_MOST = 1000

TIME_MS = integer("Unix milliseconds.", least=0)
PARAMETERS = {
    "app": text("The app's id.", example="666666"),
    "user": text("The user's id.", least=1, most=128, pattern=USER_ID, example="tom"),
    "conversation": text("Any of the conversation's ids.", example="0e7ae8d24e2658e7fb4ecdfbb409249d"),
    "message": text("Any of the message's ids.", example="1228a6554433f500a034b3f8d0b93571"),
}
HEALTH = obj({"alive": constant(True)})
READY = obj({"ready": constant(True)}, {"warnings": array(text("What does not work just now."), most=3)})
NOT_READY = obj({"ready": constant(False), "reason": text()})
METRICS = text("Prometheus text.")
WATERMARK = obj(
    {
        "accepted": integer("The newest commit that was decided.", least=0),
        "durable": integer("The newest commit that is on disk.", least=0),
        "targets": array(
            obj(
                {
                    "target": text("The store's name.", example="sqlite"),
                    "applied": integer("The newest commit that is in it.", least=0),
                    "oldest_unapplied_ms": integer("How long the oldest row it lacks has waited; 0: none.", least=0),
                }
            )
        ),
        "oldest_unapplied_ms": integer("The longest of all targets.", least=0),
    }
)
SETTINGS = obj(msgspec.json.schema_components([AppSettings])[1]["AppSettings"]["properties"])
APP = obj(
    {
        "id": text(),
        "rev": integer("Grows with every change.", least=1),
        "disabled": boolean(),
        "settings": SETTINGS,
    }
)
APPS = obj({"apps": array(APP)})
SESSIONS_ASKED = obj(
    {},
    {
        "user": text("Only this user's."),
        "skip": integer(least=0, most=1_000_000, default=0),
        "limit": integer(least=1, most=SESSIONS_MOST, default=100),
    },
)
SESSION = obj(
    {
        "session": text("16 hex digits."),
        "user": text(),
        "device": text(),
        "platform": text(),
        "tag": text(),
        "wire": text("The protocol it speaks."),
        "since_ms": TIME_MS,
    }
)
SESSIONS = obj({"sessions": array(SESSION, most=SESSIONS_MOST), "total": integer(least=0)})
KICK = sent(
    {},
    {
        "device": text("Only the sessions on it; those of all devices if absent.", least=1, most=128, pattern=NAME),
        "reason": text("Shown to the user.", most=256, example="enough"),
    },
)
USER = obj(
    {
        "user": text(),
        "attributes": obj({}, rest=True),
        "online": boolean(),
        "banned": boolean(),
        "created_ms": TIME_MS,
        "updated_ms": nullable(TIME_MS),
    }
)
PUT_USER = sent(
    {},
    {
        "attributes": obj({}, about="All of them; absent: they stay.", rest=True, example={"nickname": "Tom"}),
        "password": text('"" removes it; absent: it stays.', most=1024, example="correct horse"),
        "must_be_new": boolean("Refuse if there is such a user.", default=False),
    },
)
SYSTEM: Schema = {
    "not": {"required": ["user", "conversation"]},
    **sent(
        {"content": anything("Any JSON.", example={"notice": "Maintenance at noon."})},
        {
            "user": text("To this user only.", least=1, most=128, pattern=USER_ID),
            "conversation": text("To this conversation's members only; not together with user.", least=1),
        },
    ),
}
ROLE = sent({"role": text(among=("member", "manager"), example="manager")})
MUTE = sent({}, {"seconds": integer("0: until unmuted.", least=0, most=MUTE_SECONDS_MOST, default=0, example=600)})
DONE = obj({"time_ms": integer("When it was done, in Unix milliseconds.", least=0)})
JOIN_REQUESTS = obj({"requests": array(obj({"user": text(), "asked_ms": TIME_MS}), most=JOIN_REQUESTS_MOST)})

ROLES = ("viewer", "support", "admin")
SIGN_IN = sent(
    {"name": text(least=1, most=64, example="ann"), "password": text(least=1, most=1024, example="correct horse")}
)
EXPIRES = nullable(integer("When the session is over, in Unix milliseconds; null: never.", least=0))
ME = obj(
    {
        "name": text("The operator's; of a master key its app's id."),
        "role": text(among=ROLES),
        "expires_ms": EXPIRES,
        "app": nullable(text("The only app this key is for; null: all.")),
    }
)
SIGNED_IN = obj({"token": text("For `Authorization: Bearer`; shown once."), **ME["properties"]})
NOTHING = obj({})
