"""Conversations, their members, what is said in them and to everybody, as our own API shows and takes them."""

from __future__ import annotations

from adminapi.dialects.parley.schemas.common import MESSAGE, NEXT, SEQ, TIME_MS
from adminapi.schemas import USER_ID, Schema, anything, array, boolean, integer, nullable, obj, sent, text

MUTE_SECONDS_MOST = 86_400
"""As `Mute` (LC-07)."""
JOIN_REQUESTS_MOST = 1000
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
JOIN_REQUESTS = obj({"requests": array(obj({"user": text(), "asked_ms": TIME_MS}), most=JOIN_REQUESTS_MOST)})
MEMBERS_MOST = 1000
MEMBERS_ASKED = obj(
    {},
    {"start": integer("A multiple of limit.", least=0, default=0), "limit": integer(least=1, most=MEMBERS_MOST, default=50)},
)
MEMBER = obj(
    {
        "user": text(),
        "role": text(among=("member", "manager", "owner")),
        "online": boolean(),
        "muted_until_ms": nullable(integer("Unix milliseconds; null: may speak.", least=0)),
        "joined_ms": TIME_MS,
        "read_seq": SEQ,
        "delivered_seq": SEQ,
    }
)
MEMBERS = obj({"members": array(MEMBER, most=MEMBERS_MOST), "next": NEXT, "total": integer(least=0)})
MESSAGES_MOST = 100
MESSAGES_ASKED = obj(
    {},
    {
        "before": integer("Only older ones than this seq: `next` of the page before.", least=1),
        "limit": integer(least=1, most=MESSAGES_MOST, default=50),
        "search": text("In the text or the sender, in any case of letters.", most=256),
    },
)
MESSAGES = obj(
    {
        "messages": array(MESSAGE, "Oldest first.", most=MESSAGES_MOST),
        "next": nullable(integer("`before` of the next page, of older ones; null: there are none.", least=1)),
    }
)
TAIL_ASKED = obj(
    {},
    {"after": integer("At once, of the newest 100: those beyond this seq, and all that were changed.", least=0)},
)
TAILED = obj({"messages": array(MESSAGE, "Oldest first.")})
ANNOUNCE = sent({"content": anything("Any JSON of at most 64 KiB.", example={"text": "Maintenance at noon."})})
SESSIONS_TOTAL = integer("Sessions there were when it began.", least=0)
ANNOUNCED = obj({"announcement": text("32 hex digits."), "total": SESSIONS_TOTAL, "time_ms": TIME_MS})
ANNOUNCEMENTS = array(
    obj(
        {
            "announcement": text("32 hex digits."),
            "content": anything(),
            "at_ms": TIME_MS,
            "reached": integer("Sessions it was pushed to.", least=0),
            "total": SESSIONS_TOTAL,
            "done": boolean("All were gone through; who was not reached had left."),
        }
    ),
    "Newest first.",
    most=20,
)
