"""What several nouns of our own API show."""

from __future__ import annotations

from adminapi.schemas import USER_ID, array, integer, nullable, obj, text

TIME_MS = integer("Unix milliseconds.", least=0)
PARAMETERS = {
    "app": text("The app's id.", example="666666"),
    "user": text("The user's id.", least=1, most=128, pattern=USER_ID, example="tom"),
    "session": text("16 hex digits.", example="00f1e2d3c4b5a697"),
    "conversation": text("Any of the conversation's ids.", example="0e7ae8d24e2658e7fb4ecdfbb409249d"),
    "message": text("Any of the message's ids.", example="1228a6554433f500a034b3f8d0b93571"),
}
NEXT = nullable(integer("`start` of the next page; null: this is the last.", least=1))
DONE = obj({"time_ms": integer("When it was done, in Unix milliseconds.", least=0)})
PAGE_MOST = 200
START = integer("Where the page starts: `next` of the one before.", least=0, most=1_000_000, default=0)
LIMIT = integer(least=1, most=PAGE_MOST, default=50)
PLAIN_PAGED = obj({}, {"start": START, "limit": LIMIT})
PAGED = obj({}, {"search": text(most=256), "start": START, "limit": LIMIT})
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
