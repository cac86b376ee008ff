"""What the LeanCloud endpoints take and answer, for the description under `/-/docs`; `shapes` prints the answers and
`fields` reads the requests, and the tests hold the one against the other.

Only the seed's way of asking is described, a JSON body, or the query where the seed has it; `fields` takes more.
"""

from __future__ import annotations

from adminapi.schemas import USER_ID, Schema, anything, array, boolean, constant, either, integer, json_text, obj, sent, text

USER = text("A client id: printable, without spaces.", least=1, most=128, pattern=USER_ID, example="Tom")
USERS = array(USER, least=1, most=500, example=["Tom", "Jerry"])
OBJECT_ID = text("24 hex digits.", pattern="^[0-9a-f]{24}$", example="5a5d7432c3422b31ed845e75")
MESSAGE_ID = text("22 characters of URL-safe base64.", pattern="^[A-Za-z0-9_-]{22}$", example="qNkRkFWOeSqP65S9fDyHJw")
ISO = text("UTC.", pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", example="2018-01-16T03:40:32.814Z")
TIME_MS = integer("Unix milliseconds.", least=0, most=(1 << 53) - 1, example=1495431811151)

CUSTOM = "Any other field, made of a letter, then letters, digits and _, is a custom attribute."
FIELD = text(pattern="^[A-Za-z][A-Za-z0-9_]{0,127}$")
NAME = text(most=256, example="My First Conversation")
CREATION: Schema = {
    "propertyNames": FIELD,
    **sent(
        {},
        {
            "name": NAME,
            "m": array(USER, "The members.", most=500, example=["BillGates", "SteveJobs"]),
            "unique": boolean("Find the conversation of the same members, if there is one.", default=False),
            "tr": boolean("A chatroom.", default=False),
            "c": text("The creator, one of m.", most=128, pattern=USER_ID),
        },
        CUSTOM,
    ),
}
CREATED = obj({"objectId": OBJECT_ID, "createdAt": ISO})
UPDATE: Schema = {
    "propertyNames": FIELD,
    **sent({}, {"name": {**NAME, "examples": ["Updated Conversation"]}}, CUSTOM),
}
UPDATED = obj({"updatedAt": ISO, "objectId": OBJECT_ID})
NOTHING = obj({})
RESULT = obj({"result": NOTHING})
NAMES = array(text())
LISTED = either(NAMES, obj({"result": NAMES}), about="The later form where the app has `leancloud_result` on.")

USERS_SENT = sent({"client_ids": USERS})
SILENCE = either(
    sent({"client_id": USER, "ttl": integer("Seconds.", least=1, most=86_400, example=50)}),
    sent({"client_ids": USERS}, about='The later "do not notify": taken, and without effect.'),
)
UNSILENCE = obj({"client_id": USER})

MESSAGE = either(text("At most the app's `text_bytes`, 5 KB if it sets none."), obj({}, rest=True))
FROM = {"from_client": USER, "message": {**MESSAGE, "examples": ['{"_lctype":-1,"_lctext":"Hello!"}']}}
SENDING = sent(
    FROM,
    {
        "transient": boolean("Only to those online now; not stored.", default=False),
        "no_sync": boolean("Not to the sender's own clients.", default=False),
        "push_data": either(obj({}, rest=True), text(), about="For the offline push; at most 4 KB."),
        "priority": text("Of transient and chatroom messages.", among=("high", "normal", "low"), default="high"),
        "mention_all": boolean(default=False),
        "mention_client_ids": array(USER, most=500),
    },
)
SENT = obj({"msg-id": MESSAGE_ID, "timestamp": TIME_MS})
EDIT = sent({**FROM, "timestamp": TIME_MS})
RECALL = sent({"from_client": USER, "timestamp": TIME_MS})
DELETION = obj({"from_client": USER, "timestamp": TIME_MS})

ROW = obj(
    {"objectId": OBJECT_ID, "name": text(), "createdAt": ISO, "updatedAt": ISO},
    {
        "m": array(text(), "The members; not of chatrooms."),
        "c": anything("The creator, if there is one."),
        "tr": anything("true of a chatroom."),
        "lm": anything("When the last message was sent, as a Date."),
    },
    "The custom attributes stand beside the built-in fields.",
    rest=True,
)
ROWS = obj({"results": array(ROW)})
LISTING = obj(
    {},
    {
        "where": json_text(
            obj({}, rest=True, example={"name": "My First Conversation"}),
            "Fields with values, or with $lt, $lte, $gt, $gte, $ne, $in and a value.",
        ),
        "skip": integer(least=0, most=1_000_000, default=0),
        "limit": integer(least=0, most=1000, default=100),
    },
)
KICK = sent({}, {"reason": text("Shown to the user.", most=20, example="enough")})
ASKED = sent({"client_ids": array(USER, least=1, most=20, example=["Tom", "Jerry"])})
ONLINE = obj({"results": NAMES})
STRETCH = obj(
    {},
    {
        "msgid": text("Begin here; with `timestamp` its own time."),
        "timestamp": integer("Begin here, if `msgid` is not given.", least=0, most=(1 << 53) - 1),
        "till_msgid": text("End here; with `till_timestamp` its own time."),
        "till_timestamp": integer("End here, if `till_msgid` is not given.", least=0, most=(1 << 53) - 1),
        "reversed": boolean("From old to new.", default=False),
        "include_start": boolean(default=False),
        "include_stop": boolean(default=False),
        "limit": integer(least=1, most=1000, default=100),
    },
)
HISTORY = array(
    obj(
        {
            "timestamp": TIME_MS,
            "conv-id": OBJECT_ID,
            "data": text("The message."),
            "from": text(),
            "msg-id": MESSAGE_ID,
            "is-conv": constant(True),
            "is-room": boolean(),
            "to": OBJECT_ID,
            "bin": constant(False),
            "from-ip": constant(""),
        }
    )
)
