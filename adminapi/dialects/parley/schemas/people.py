"""Sessions and users, as our own API shows and takes them."""

from __future__ import annotations

from adminapi.dialects.parley.schemas.common import NEXT, PAGE_MOST, TIME_MS
from adminapi.schemas import NAME, array, boolean, integer, nullable, obj, sent, text

SESSIONS_MOST = 1000
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
        "replaced": boolean("Its login has ended another session."),
    }
)
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
USERS = obj({"users": array(USER, most=PAGE_MOST), "next": NEXT, "total": integer(least=0)})
FRIENDS = obj({"friends": array(obj({"user": text(), "online": boolean(), "since_ms": TIME_MS}))})
EXPORTED = obj({"type": text(among=("user", "friend", "conversation", "message"))}, rest=True)
