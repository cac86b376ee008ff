"""What the native endpoints take and answer, for the description under `/-/docs`; the shapes themselves are printed by
`protocol.wires.native.shapes`, and the tests hold the one against the other.
"""

from __future__ import annotations

from adminapi.schemas import (
    USER_ID,
    Schema,
    anything,
    array,
    constant,
    either,
    integer,
    json_text,
    nullable,
    obj,
    sent,
    text,
)
from protocol.wires.native.fields import USER_ID_MOST, USERS_MOST
from protocol.wires.native.where import CONDITIONS_MOST, EXTENSION, FIELDS, OPERATORS

PAGE_MOST = 100_000
SIZE_MOST = 100

TRUE = constant(True)
HEX32 = text("32 hex digits.", pattern="^[0-9a-f]{32}$", example="0e7ae8d24e2658e7fb4ecdfbb409249d")
REQUEST_ID = nullable(text("The request's own, null if it had none."))
TIME_MS = integer("Unix milliseconds.", example=1608126111686)
DATE = text("UTC.", pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$", example="2020-08-21 07:16:37")
FLAG = integer(among=(0, 1))
USER = text("A user id: printable, without spaces.", least=1, most=USER_ID_MOST, pattern=USER_ID)
SENDER = either(USER, integer(), about="A user id; a number stays one in the push.")
USERS = array(USER, least=1, most=USERS_MOST, example=["Tom", "Jerry"])
USERS_SENT = sent({"client_ids": USERS})
EXTENSION_OBJECT = obj({}, about="Any JSON object.", rest=True, example={"conv_name": "just test"})

SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
CONDITION: Schema = {
    "type": "array",
    "prefixItems": [
        either(text(among=sorted(FIELDS)), text(pattern=rf"^{EXTENSION[:-1]}\..+$", most=128), about="Field."),
        text("Operator; `in` takes a list.", among=sorted(OPERATORS)),
        either(SCALAR, array(SCALAR), about="Value."),
    ],
    "minItems": 3,
    "maxItems": 3,
    "examples": [["conv_id", "=", HEX32["examples"][0]]],
}
WHERE = array(CONDITION, "Conditions that must all hold.", most=CONDITIONS_MOST)
WHERE_TEXT = json_text(WHERE, "Conditions that must all hold; an empty list finds all.")


def paging(size: int) -> dict[str, Schema]:
    return {
        "page": integer("From 1.", least=1, most=PAGE_MOST, default=1),
        "size": integer("Rows on a page.", least=1, most=SIZE_MOST, default=size),
    }


LISTING = obj({"where": WHERE_TEXT}, paging(20))
PAGING = obj({}, paging(10))


def page(row: Schema) -> Schema:
    return obj(
        {
            "current_page": integer(least=1),
            "data": array(row),
            "last_page": integer(least=1),
            "per_page": integer(least=1),
            "total": integer(least=0),
        }
    )


CONVERSATION = obj(
    {
        "conv_id": HEX32,
        "conv_type": integer("1 single, 2 temporary, 3 group, 4 chatroom, 5 system.", least=1, most=5),
        "client_num": integer("Members.", least=0),
        "app_id": text(),
        "conv_extend": nullable(EXTENSION_OBJECT),
        "conv_creater_id": text('"" if a back office made it for nobody.'),
        "ctime": DATE,
        "mtime": nullable(DATE),
    }
)
CONVERSATIONS = page(CONVERSATION)
CREATION = sent(
    {
        "client_id": {**USER, "examples": ["1597500303"]},
        "to_client_ids": array(USER, most=USERS_MOST, example=["1597500304"]),
        "conv_type": integer("1 single, 2 temporary, 3 group, 4 chatroom.", least=1, most=4, example=2),
    },
    {"conv_extend": EXTENSION_OBJECT},
)
CREATED = obj({"conv_extend": nullable(EXTENSION_OBJECT), "conv_id": HEX32})
UPDATE = sent(
    {
        "where": array(
            CONDITION, "At least one condition; with a user's token one `conv_id`.", least=1, most=CONDITIONS_MOST
        ),
        "update": obj({"conv_extend": EXTENSION_OBJECT}),
    }
)
MESSAGE = obj(
    {
        "msg_id": HEX32,
        "conv_id": HEX32,
        "type": integer("-1 text, -2 image, -3 voice, -4 video, -5 location, -6 file; positive: the app's own."),
        "text": nullable(text()),
        "attr": anything("As it was sent, null if it was not."),
        "url": json_text(nullable(text()), 'JSON text, "null" if there is none.'),
        "ctime": TIME_MS,
        "msg_status": integer("1 normal, 2 deleted, 3 recalled.", among=(1, 2, 3)),
        "no_sync": FLAG,
        "mention_all": FLAG,
        "mention_client_ids": json_text(nullable(array(USER)), 'JSON text, "null" if nobody is mentioned.'),
        "transient": FLAG,
        "mtime": nullable(TIME_MS),
        "client_id": text("Who sent it."),
    }
)
SENDING: Schema = {
    "if": {"properties": {"type": constant(-1)}},
    "then": {"required": ["text"]},
    **sent(
        {
            "from_client": {**SENDER, "examples": ["Tom"]},
            "type": integer("-1 text, -2 image, -3 voice, -4 video, -5 location, -6 file.", least=-6, most=-1, example=-1),
        },
        {
            "text": text("Needed where type is -1.", least=1, example="HELLO !"),
            "attr": anything("Any JSON."),
            "url": text(most=8192),
            "transient": FLAG,
            "no_sync": integer("1 (or absent): the sender's other sessions see it too; 0: they do not.", among=(0, 1)),
            "mention_all": FLAG,
            "mention_client_ids": array(USER, most=USERS_MOST),
            "durability": text(
                "disk: answered once it is on disk; memory: at once.", among=("disk", "memory"), default="disk"
            ),
        },
    ),
}
SENT = obj({"msg_id": HEX32, "time": TIME_MS}, {"durability": constant("memory")})
