"""What our own endpoints take and answer, for the description under `/-/docs`; `endpoints` prints the shapes themselves,
and the tests hold the one against the other.
"""

from __future__ import annotations

import msgspec

from adminapi.schemas import (
    NAME,
    USER_ID,
    Schema,
    anything,
    array,
    boolean,
    constant,
    either,
    integer,
    nullable,
    number,
    obj,
    sent,
    text,
)
from protocol.apps import AppSettings

MUTE_SECONDS_MOST = 86_400
"""As `Mute` (LC-07)."""
SESSIONS_MOST = 1000
JOIN_REQUESTS_MOST = 1000

TIME_MS = integer("Unix milliseconds.", least=0)
PARAMETERS = {
    "app": text("The app's id.", example="666666"),
    "user": text("The user's id.", least=1, most=128, pattern=USER_ID, example="tom"),
    "session": text("16 hex digits.", example="00f1e2d3c4b5a697"),
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
        "fixed": boolean("It stands in the settings file, and changes there alone."),
        "settings": SETTINGS,
    }
)
APPS = obj({"apps": array(APP)})
SESSIONS_ASKED = obj(
    {},
    {
        "user": text("Only this user's."),
        "search": text("In the user, the device or the address, in any case of letters.", most=256),
        "start": integer(least=0, most=1_000_000, default=0),
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
        "address": text("Under which it is counted, or its socket's own; empty while it ends."),
        "since_ms": TIME_MS,
        "heard_ms": integer("Milliseconds since something came from it; -1 while it ends.", least=-1),
        "outbox_bytes": integer("What waits for it to be taken.", least=0),
    }
)
NEXT = nullable(integer("`start` of the next page; null: this is the last.", least=1))
SESSIONS = obj({"sessions": array(SESSION, most=SESSIONS_MOST), "next": NEXT, "total": integer(least=0)})
SPAN = integer("Milliseconds before now; -1 where it is not so.", least=-1)
CONNECTION = obj(
    {
        "session": text("16 hex digits."),
        "user": text('"" before its login.'),
        "device": text(),
        "login_ms": SPAN,
        "state": text(among=("open", "leaving", "closed")),
        "door": text("By which listener it came in.", among=("websocket", "tcp", "tls", "control")),
        "wire": text('"" until its first bytes have told.'),
        "address": text('Under which it is counted; "" for trusted proxies and this machine.'),
        "peer": text("The other end of its socket."),
        "heard_ms": SPAN,
        "probe_ms": integer("A sign of life was asked for so long ago and has not come; -1: none.", least=-1),
        "paused": array(text(among=("login", "journal", "pace")), "Why it is not read."),
        "paused_ms": SPAN,
        "outbox_bytes": integer(least=0),
        "outbox_frames": integer(least=0),
        "blocked_ms": integer("Its peer has taken nothing for so long; -1: it takes what there is.", least=-1),
        "queued": integer("Requests that wait for the one of `stopped`.", least=0),
        "stopped": nullable(
            obj(
                {
                    "why": text("What its requests wait for.", among=("store", "password", "scan")),
                    "command": text("Of which request."),
                    "since_ms": integer("For so many milliseconds.", least=0),
                }
            )
        ),
        "held": integer("Answers that wait for a commit to be on the disk.", least=0),
        "commit": integer("The first of those commits; 0: none.", least=0),
        "commit_ms": SPAN,
        "seats": array(text("16 hex digits."), "Sessions of a connection that carries several users."),
    }
)
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
PER_SECOND = "What happened a second, in the time since the sample before."
SAMPLE = obj(
    {
        "at_ms": TIME_MS,
        "sessions": integer(least=0),
        "messages_per_s": number(PER_SECOND),
        "deliveries_per_s": number(PER_SECOND),
        "commit_p50_ms": number("Half of the commits were on disk within so long; 0: there were none."),
        "commit_p99_ms": number("99 of 100 were."),
        "backlog_commits": integer("Commits that are on the journal and not in every store.", least=0),
        "errors_per_s": number("Requests refused, for whatever reason."),
    }
)
HOUR = obj({"samples": array(SAMPLE, "Of 5 seconds each, the oldest first.", most=720)})
NOW = obj({"now": SAMPLE})

PAGE_MOST = 200
START = integer("Where the page starts: `next` of the one before.", least=0, most=1_000_000, default=0)
LIMIT = integer(least=1, most=PAGE_MOST, default=50)
PLAIN_PAGED = obj({}, {"start": START, "limit": LIMIT})
PAGED = obj({}, {"search": text(most=256), "start": START, "limit": LIMIT})
USERS = obj({"users": array(USER, most=PAGE_MOST), "next": NEXT, "total": integer(least=0)})
FRIENDS = obj({"friends": array(obj({"user": text(), "online": boolean(), "since_ms": TIME_MS}))})
EXPORTED = obj({"type": text(among=("user", "friend", "conversation", "message"))}, rest=True)

SEQ = integer("Counts the messages of a conversation, from 1.", least=0)
MESSAGE = obj(
    {
        "message": text("32 hex digits."),
        "seq": SEQ,
        "sender": text(),
        "type": integer(),
        "body": obj({}, about="Any of `text`, `attr` and `url`; empty once it was taken back.", rest=True),
        "status": text(among=("normal", "deleted", "recalled")),
        "time_ms": TIME_MS,
        "edited_ms": nullable(TIME_MS),
    }
)
CONVERSATION = obj(
    {
        "conversation": text("32 hex digits."),
        "kind": text(among=("direct", "temporary", "group", "room", "system")),
        "name": text(),
        "attributes": obj({}, rest=True),
        "owner": text(),
        "creator": text(),
        "members": integer("How many there are.", least=0),
        "created_ms": TIME_MS,
        "updated_ms": nullable(TIME_MS),
        "said_ms": nullable(integer("When somebody spoke last.", least=0)),
        "first_seq": integer("Of the oldest message that is kept.", least=0),
        "last_seq": SEQ,
        "last_message": nullable(MESSAGE),
    }
)
CONVERSATIONS = obj({"conversations": array(CONVERSATION, most=PAGE_MOST), "next": NEXT, "total": integer(least=0)})
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
TAIL_ASKED = obj({}, {"after": integer("Also those beyond this seq, of the newest 200.", least=0)})
TAILED = obj({"messages": array(MESSAGE, "Oldest first.")})

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

CHECK = obj({"name": text(), "ok": boolean(), "text": text(), "advice": text("What to do; empty: nothing.")})
REFUSED_ROW = obj(
    {
        "target": text("The store that refused it."),
        "app": text(),
        "table": text(),
        "key": text("JSON."),
        "error": text(),
        "at_ms": TIME_MS,
    }
)
INSTALLATION = obj(
    {
        "checks": array(CHECK),
        "store": nullable(
            obj(
                {
                    "targets": array(
                        obj(
                            {
                                "target": text("The store's name.", example="sqlite"),
                                "applied": integer("The newest commit that is in it.", least=0),
                                "behind": integer("Commits that are on the journal and not in it.", least=0),
                                "oldest_unapplied_ms": integer(least=0),
                            }
                        )
                    )
                }
            )
        ),
        "journal": nullable(
            obj(
                {
                    "accepted": integer("The newest commit that was decided.", least=0),
                    "durable": integer("The newest commit that is on the disk.", least=0),
                    "bytes": integer(least=0),
                    "takes": boolean("What has to be kept is taken; else the disk is full or a store too far behind."),
                }
            )
        ),
        "quarantine": nullable(array(REFUSED_ROW, "Rows a store refused, served all the same; oldest first.", most=100)),
        "quarantine_total": nullable(integer(least=0)),
    }
)
AUDIT_MOST = 500
AUDIT_ASKED = obj(
    {},
    {
        "app": text("Of this app only.", most=256),
        "user": text("By this user or operator, or about this user.", most=256),
        "limit": integer(least=1, most=AUDIT_MOST, default=100),
        "before": integer("Only lines before this number: `next` of the page before.", least=1),
    },
)
AUDIT_LINE = obj(
    {
        "n": integer("The line's number.", least=1),
        "time": text("UTC."),
        "app": text(),
        "user": text("Where it was a user's own token."),
        "operator": text("Where an operator had signed in."),
        "proof": text("What kind of key or token it was."),
        "from": text("The address, or the uid on the server."),
        "dialect": text(),
        "method": text(),
        "path": text("Of the request; of the command line the command."),
        "commands": array(text()),
        "outcome": text("The HTTP status, or the reason of the refusal."),
    }
)
AUDIT = obj({"lines": array(AUDIT_LINE, most=AUDIT_MOST), "next": nullable(integer(least=1))})

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
