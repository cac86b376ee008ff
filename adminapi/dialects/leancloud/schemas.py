"""What the LeanCloud endpoints take and answer, for the description under `/-/docs`; `shapes` prints the answers and
`fields` reads the requests, and the tests hold the one against the other.

Only the seed's way of asking is described, a JSON body, or the query where the seed has it; `fields` takes more.
"""

from __future__ import annotations

from adminapi.schemas import USER_ID, Schema, anything, array, boolean, constant, either, integer, json_text, obj, sent, text

USER = text("A client id: printable, without spaces.", least=1, most=128, pattern=USER_ID, example="Tom")
USERS = array(USER, least=1, most=500, example=["Tom", "Jerry"])
OBJECT_ID = text("24 hex digits.", pattern="^[0-9a-f]{24}$", example="5a5d7432c3422b31ed845e75")
ANY_ID = text("24 hex digits, behind `_tmp:` if it is temporary.", pattern="^(_tmp:)?[0-9a-f]{24}$")
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
UPDATED = obj({"updatedAt": ISO, "objectId": ANY_ID})
NOTHING = obj({})
RESULT = obj({"result": NOTHING})
NAMES = array(text())
LISTED = either(NAMES, obj({"result": NAMES}), about="The later form where the app has `leancloud_result` on.")

USERS_SENT = sent({"client_ids": USERS})
SILENCE = either(
    sent({"client_id": USER, "ttl": integer("Seconds.", least=1, most=86_400, example=50)}),
    sent(
        {"client_ids": USERS}, about='The later "do not notify": members who want no notifications; they get the messages.'
    ),
)
UNSILENCE = obj({"client_id": USER})

SILENCED = sent({"client_id": USER, "ttl": integer("Seconds.", least=1, most=86_400, example=50)})
OLD_SILENCED = sent({"conv_id": OBJECT_ID, "client_id": USER, "ttl": SILENCED["properties"]["ttl"]})
OLD_UNSILENCE = obj({"conv_id": OBJECT_ID, "client_id": USER})
OLD_SUBSCRIBER = sent({"conv_id": OBJECT_ID, "client_id": USER})
OLD_KICK = sent({"client_id": USER}, {"reason": text("Shown to the user.", most=20, example="enough")})
PEERS = sent({"peers": array(USER, least=1, most=20, example=["Tom", "Jerry"])})
LOGGED = obj({"convid": OBJECT_ID, "msgid": MESSAGE_ID, "timestamp": TIME_MS, "from": USER})
BROADCAST_NAMED = obj({"mid": MESSAGE_ID})
PART_OF_USERS = obj({"client_ids": NAMES}, {"next": text("Say this for the next part.")})
PARTS_OF_USERS = obj({}, {"limit": integer(least=1, most=500, default=10), "next": text("As the part before said.")})
ROLE_NAME = text(among=("Member", "Manager", "Owner"), example="Manager")
ROLE = sent({"clientId": USER, "role": ROLE_NAME})
ROLE_ALONE = sent({"role": ROLE_NAME}, {"clientId": USER})
ROLE_GIVEN = obj({"updatedAt": ISO, "objectId": text("The client's id.")})
ROLES_LISTED = obj({"results": array(obj({"clientId": text(), "objectId": text(), "role": ROLE_NAME}))})
ROLES_ASKED = obj(
    {},
    {
        "skip": integer(least=0, most=1_000_000, default=0),
        "limit": integer(least=1, most=1000, default=100),
        "role": text("This role alone.", among=("Manager", "Owner")),
    },
)

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

STAMPS = {"objectId": ANY_ID, "createdAt": ISO, "updatedAt": ISO}
NAMED = {"name": text()}
FURTHER = {
    "m": array(text(), "The members; not of chatrooms."),
    "mu": array(text(), "Those who want no notifications."),
    "c": anything("The creator, if there is one."),
    "tr": anything("true of a chatroom."),
    "unique": anything("true of the only one with these members."),
    "lm": anything("When the last message was sent, as a Date."),
}
BESIDE = "The custom attributes stand beside the built-in fields."
ROW = obj({**STAMPS, **NAMED}, FURTHER, BESIDE, rest=True)
PART = obj(STAMPS, {**NAMED, **FURTHER}, BESIDE, rest=True)
ROWS = obj({"results": array(ROW)})
LISTING = obj(
    {},
    {
        "where": json_text(
            obj({}, rest=True, example={"name": "My First Conversation"}),
            "Fields with values, or with $lt, $lte, $gt, $gte, $ne, $in, $nin, $all, $size, $exists or $regex and a value; "
            "$and and $or of lists of such.",
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
            "bin": boolean("Bytes, in base64."),
            "from-ip": constant(""),
        }
    )
)

KEYS = obj({}, {"keys": text("The fields that are wanted, with commas between them; all if not given.")})
SELECTION = obj(
    {},
    {
        **LISTING["properties"],
        **KEYS["properties"],
        "order": text("Up to 3 fields with commas between them, `-` before one for the greatest first."),
        "count": boolean("Say how many there are.", default=False),
    },
)
PARTS = obj({"results": array(PART)}, {"count": integer(least=0)})
OPERATION = obj(
    {"__op": text(among=("Add", "AddUnique", "Remove")), "objects": array(USER, most=500)},
    example={"__op": "AddUnique", "objects": ["Tom"]},
)
SAVING = obj({}, {"fetchWhenSave": boolean("Answer the whole object.", default=False)})
MADE = either(PART, CREATED)
CREATED_WHOLE = {**PART, "required": ["objectId", "createdAt", "updatedAt", "name", "m", "unique"]}
BATCH = sent(
    {
        "requests": array(
            obj(
                {
                    "method": text(among=("POST", "PUT", "GET", "DELETE"), example="POST"),
                    "path": text("`/1.1/classes/_Conversation`, or that of one.", example="/1.1/classes/_Conversation"),
                },
                {"body": obj({}, rest=True, example={"name": "team"}), "params": obj({}, rest=True)},
            ),
            most=50,
        )
    }
)
BATCH_DONE = array(
    either(
        obj({"success": obj({}, about="As the call answers.", rest=True)}),
        obj({"error": obj({"code": integer(), "error": text(least=1)})}),
    ),
    "In the order of the calls.",
)
CHANGED = either(PART, UPDATED)
CHANGE: Schema = {
    "propertyNames": FIELD,
    **sent({}, {"name": NAME, "m": either(OPERATION, array(USER, most=500))}, CUSTOM),
}
CHATROOM: Schema = {"propertyNames": FIELD, **sent({}, {"name": NAME}, CUSTOM)}
ONLINE_COUNT = obj({"result": integer(least=0)})
GROUP_ASKED = obj({"gid": OBJECT_ID})
LISTED_LATER = obj({"result": NAMES})
FROM_PEER = {"from_peer": USER, "message": FROM["message"]}
OLD_SENDING = sent(
    {"conv_id": OBJECT_ID, **FROM_PEER},
    {
        **{field: SENDING["properties"][field] for field in ("transient", "no_sync", "push_data")},
        "to_peers": array(USER, "In a service conversation: who alone is told.", most=20),
    },
)
PUSH = either(obj({}, rest=True), text(), about="For the offline push; at most 4 KB.")
TO_CLIENTS = array(USER, "Who alone is told.", least=1, most=20, example=["Tom"])
SERVICE: Schema = {
    "propertyNames": FIELD,
    **sent({}, {"name": {**NAME, "examples": ["My First Service-conversation"]}}, CUSTOM),
}
SUBSCRIBER = sent({"client_id": USER})
SUBSCRIPTIONS = array(obj({"timestamp": TIME_MS, "subscriber": text(), "conv_id": OBJECT_ID}))
SUBSCRIBERS_ASKED = obj(
    {},
    {
        "limit": integer(least=1, most=50, default=50),
        "client_id": text("Begin behind this subscriber."),
    },
)
SERVICES_ASKED = obj(
    {},
    {
        "limit": integer(least=1, most=1000, default=50),
        "conv_id": text("Begin behind this one."),
        "direction": text("new: the first subscribed first; old: the last.", among=("new", "old"), default="new"),
    },
)
TO_SUBSCRIBERS = sent(FROM, {"push": PUSH})
TO_NAMED = sent(
    {**FROM, "to_clients": TO_CLIENTS},
    {field: SENDING["properties"][field] for field in ("transient", "no_sync", "push_data", "priority")},
)
BROADCAST = sent(
    {**FROM, "conv_id": OBJECT_ID}, {"push": PUSH, "transient": SENDING["properties"]["transient"], "valid_till": TIME_MS}
)
OLD_BROADCAST = sent({**FROM_PEER, "conv_id": OBJECT_ID}, {"push": PUSH, "valid_till": TIME_MS})
OLD_TO_SUBSCRIBERS = sent({**FROM_PEER, "conv_id": OBJECT_ID}, {"push": PUSH})
BROADCASTS_ASKED = obj(
    {"conv_id": OBJECT_ID},
    {"limit": integer(least=1, most=1000, default=100), "skip": integer(least=0, most=1000, default=0)},
)
OLD_STRETCH = obj(
    {},
    {
        "convid": text("Of this conversation alone.", pattern=OBJECT_ID["pattern"]),
        "from": text("Of this client alone, in the conversations he is in."),
        "msgid": text("Begin here; with `max_ts` its own time."),
        "max_ts": integer("Begin here, if `msgid` is not given.", least=0, most=(1 << 53) - 1),
        "reversed": boolean("From old to new.", default=False),
        "limit": integer(least=1, most=1000, default=100),
    },
)
STATS = obj({"result": obj({"online_user_count": integer(least=0)})})
COUNT = obj({"count": integer(least=0)})
COUNTED = obj({}, {"conv_id": text("Of this conversation alone.")})

SOCKET = text("A WebSocket URL.", pattern="^wss?://")
ROUTE = obj({"server": SOCKET, "secondary": SOCKET, "ttl": integer("Seconds this stays true.", least=1)})
ROUTED = obj({}, {"appId": text("Of no effect."), "secure": text("true: by TLS, if there is a listener for it.")})
DATE = obj({"__type": constant("Date"), "iso": ISO})
NOTIFICATION = obj(
    {
        "cmd": constant("conv"),
        "op": text("As the socket's command is called.", example="joined"),
        "serverTs": TIME_MS,
        "notificationType": constant(1),
        "cid": text("The conversation."),
    },
    {
        "initBy": text("Who did it; absent of a back office."),
        "m": array(text(), "Whom it is about, if not the client."),
        "info": obj({"pid": text(), "role": text()}),
        "attr": anything("Its name and attributes: their JSON as text in `data`, or, in what is droppable, as they are."),
        "attrModified": anything(),
        "udate": ISO,
    },
)
NOTIFICATION_PAGE = {"hasMore": boolean(), "notifications": array(NOTIFICATION, "Oldest first.")}
NOTIFICATIONS = either(
    obj(NOTIFICATION_PAGE),
    obj({"permanent": obj(NOTIFICATION_PAGE), "droppable": obj({**NOTIFICATION_PAGE, "invalidLocalConvCache": boolean()})}),
)
MISSED = obj(
    {},
    {
        "client_id": USER,
        "start_ts": integer("Unix milliseconds; what came later is told.", least=0),
        "notification_type": text(among=("permanent", "droppable"), example="permanent"),
    },
)
ROLES_OF = obj(
    {"where": json_text(sent({"cid": OBJECT_ID}), "The conversation; cid beside it does as well.")},
    {"client_id": text("Whose session token it is."), "cid": text()},
)
ROLES = obj({"results": array(obj({"cid": OBJECT_ID, "clientId": text(), "role": text(among=("Manager", "Owner"))}))})
SIGNED = sent({"session_token": text(least=1, most=8192, example="a-token-of-your-server")})
SIGNED_BY_QUERY = obj({"session_token": {**SIGNED["properties"]["session_token"], "maxLength": 2048, "pattern": "^[!-~]+$"}})
SIGNATURE = obj({"signature": text(pattern="^[0-9a-f]{40}$"), "timestamp": TIME_MS, "nonce": text()})
CLIENT_SIGNATURE = obj({**SIGNATURE["properties"], "client_id": text()})
