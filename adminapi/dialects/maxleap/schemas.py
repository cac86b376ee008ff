"""What the MaxLeap endpoints take and answer, for the description under `/-/docs`; `shapes` prints the answers and `fields`
reads the requests, and the tests hold the one against the other.

The law: only the seed's way of asking is described, and for searches and pages the spelling with `_`; `fields` takes more.
Attributes and the ids of other dialects' users are the app's own and stay open, all else is exact.
"""

from __future__ import annotations

from adminapi.dialects.maxleap.fields import (
    LIMIT,
    LIMIT_MOST,
    MEMBERS_MOST,
    NAME_MOST,
    NEW_USER,
    PUSH_FIELDS,
    PUSH_TEXT_MOST,
    REMARK_MOST,
    SKIP_MOST,
)
from adminapi.schemas import USER_ID, Schema, anything, array, boolean, either, file, integer, nullable, obj, sent, text
from protocol.ids import LARGEST
from protocol.media import TEXT, VIDEO


def user(example: str, about: str = "") -> Schema:
    """As a request names one who exists."""
    return text(about, least=1, most=128, pattern=USER_ID, example=example)


HEX32 = text("32 hex digits.", pattern="^[0-9a-f]{32}$")
PARAMETERS: dict[str, Schema] = {
    "userId": user("testuser1", "New ids have letters, digits, _ and - only; users of other dialects are called as there."),
    "friendId": user("testuser2", "Another user."),
    "strangerId": user("testuser3", "Another user."),
    "passengerId": user("58550388f9434168bf2019317b649265", "32 hex digits, unless it was given another id."),
    "groupId": {**HEX32, "examples": ["46b9c7cc4fc6428185a2e3a1c1f9e26e"]},
    "roomId": {**HEX32, "examples": ["c0eebb302b1345fd983345336dd4eaa6"]},
    "attribute": text("Its name.", least=1, example="name"),
    "target": user("testuser1", "A user's id; with `group` or `room` the id of one."),
}

TIME_MS = integer("Unix milliseconds.", least=0, most=LARGEST, example=1456373078542)
NAME = text("Its attribute `name`.", most=NAME_MOST)
ID = text(least=1, most=128, pattern=USER_ID)
IDS = array(ID)
ATTRIBUTES = obj({}, about="The app's own names, and values of any kind.", rest=True)
ATTRIBUTE = anything("The value as it is: text, number or any other.")


def attributes(**example: object) -> Schema:
    """Those of a user, to set."""
    return obj({}, about="Any names, and values of any kind.", rest=True, example=example)


def named_attributes(**example: object) -> Schema:
    """Those of a group or room, whose name is one of them."""
    return {**attributes(**example), "properties": {"name": nullable(NAME)}}


DETAIL = text("Present: rows instead of ids.", example="true")
DETAILED = obj({}, {"detail": DETAIL})
PAGE = {
    "_skip": integer(least=0, most=SKIP_MOST, default=0),
    "_limit": integer("More is taken as the most.", least=0, most=LIMIT_MOST, default=LIMIT),
}
DETAILED_PAGE = obj({}, {"detail": DETAIL, **PAGE})
CHATS_ASKED = obj(
    {},
    {
        "ts": integer("Only what was said before this time, Unix milliseconds.", least=0, most=LARGEST),
        "limit": integer("More is taken as the most.", least=0, most=LIMIT_MOST, default=LIMIT),
    },
)


def search(first: str) -> Schema:
    """`first`: what comes first if nothing is said."""
    return obj(
        {},
        {
            "attributes": obj(
                {},
                about="A parameter each, under the attribute's own name: `company=maxleap`. All must be equal.",
                rest=text(),
            ),
            "_sort": text(f"Up to 3 attributes, `ts` or `id`, with commas; - before one: falling. {first} first if absent."),
            **PAGE,
        },
    )


USERS_ASKED = search("The oldest")
PLACES_ASKED = search("The newest")

USER_SHOWN = obj(
    {
        "installs": array(text(), "Those of the current sessions."),
        "sessions": integer("The current ones, over all devices.", least=0),
        "friends": IDS,
        "groups": array(HEX32),
        "rooms": array(HEX32),
    },
    {"attributes": ATTRIBUTES},
)
USER_ROWS = array(
    obj({"id": ID, "online": boolean(), "ts": TIME_MS, "attributes": ATTRIBUTES}, about="`ts`: when it last changed."),
    most=LIMIT_MOST,
)

CHAT = obj(
    {
        "speaker": ID,
        "content": obj(
            {
                "media": integer("0 text, 1 image, 2 audio, 3 video; others are the app's own.", least=TEXT),
                "body": text("The text, or the URL."),
            }
        ),
        "ts": TIME_MS,
    },
    {"remark": text(least=1)},
)
CHATS = array(CHAT, "Old to new; beyond the limit, what is of the same millisecond as the oldest row.")
RECENT = {"recent": CHAT}

FRIENDSHIP: dict[str, Schema] = {
    "id": HEX32,
    "from": ID,
    "to": ID,
    "ts": {**TIME_MS, "description": "Since when, Unix milliseconds."},
}
FRIEND_ADDED = obj({**FRIENDSHIP, "ns": text("The app's id.", least=1)})
FRIEND = obj({**FRIENDSHIP, "online": boolean()})
PERSON = obj({"id": ID, "online": boolean()}, RECENT, "`recent`: what was said last, if anything was.")
PEOPLE = either(IDS, array(PERSON), about="Rows with `detail`.")

ROOM_FIELDS: dict[str, Schema] = {
    "members": IDS,
    "attributes": ATTRIBUTES,
    "ts": {**TIME_MS, "description": "When it was made, Unix milliseconds."},
}
GROUP_FIELDS: dict[str, Schema] = {
    "owner": text("Empty where another dialect made it without one."),
    **ROOM_FIELDS,
    "members": array(ID, "Without the owner."),
}
IDENTIFIED: dict[str, Schema] = {"id": HEX32}
GROUP_SHOWN = obj(GROUP_FIELDS)
ROOM_SHOWN = obj(ROOM_FIELDS)
GROUP_ROWS = array(obj({**IDENTIFIED, **GROUP_FIELDS}), most=LIMIT_MOST)
ROOM_ROWS = array(obj({**IDENTIFIED, **ROOM_FIELDS}), most=LIMIT_MOST)
OWN_GROUPS = either(
    array(HEX32), array(obj({**IDENTIFIED, **GROUP_FIELDS}, RECENT)), about="The newest first; rows with `detail`."
)
OWN_ROOMS = either(array(HEX32), array(obj({**IDENTIFIED, **ROOM_FIELDS})), about="The newest first; rows with `detail`.")


def members(*example: str) -> Schema:
    """Who else is in it; the owner need not be."""
    return array(ID, "They must exist.", most=MEMBERS_MOST, example=list(example))


GROUP_CREATION = sent(
    {"owner": user("testuser1", "A member, listed or not.")},
    {"name": {**NAME, "examples": ["testgroup1"]}, "members": members("testuser2")},
)
ROOM_CREATION = sent({}, {"name": {**NAME, "examples": ["room_test"]}, "members": members("testuser1", "testuser2")})
NEW_OWNER = user("baz", "He must exist, and becomes a member.")
ALL_MEMBERS = array(ID, "All of them, the owner apart.", most=MEMBERS_MOST)
GROUP_UPDATE = either(
    sent({"owner": NEW_OWNER}, {"members": ALL_MEMBERS, "name": NAME}),
    sent({"members": ALL_MEMBERS}, {"name": NAME}),
    sent({"name": NAME}),
    about="At least one of the three.",
)
MEMBERS_SENT = sent({"members": array(ID, least=1, most=MEMBERS_MOST, example=["testuser3"])})

PASSENGER = obj(
    {},
    {"id": text("Make the one of this id, or change it.", pattern=f"^{NEW_USER.pattern}$")},
    "Besides it any attributes, merged with those that are there.",
    rest=True,
    example={"name": "王尼玛"},
)

KINDS: dict[type, Schema] = {bool: boolean(), str: text(most=PUSH_TEXT_MOST), int: integer()}
PUSH = sent(
    {},
    {name: KINDS[kind] for name, kind in PUSH_FIELDS.items()},
    "For the offline push; checked, and without effect yet.",
)


def system(body: str) -> Schema:
    return sent(
        {
            "content": obj(
                {"body": text("The text, or the URL; at most the app's `text_bytes`.", least=1)},
                {"media": integer("0 text, 1 image, 2 audio, 3 video.", least=TEXT, most=VIDEO, default=TEXT)},
                rest=True,
                example={"media": TEXT, "body": body},
            )
        },
        {
            "remark": text("Goes with the content.", most=REMARK_MOST),
            "ts": integer("Unix milliseconds; taken, and without effect.", least=0, most=LARGEST),
            "push": PUSH,
        },
    )


TO_ALL = system("hello all!")
TO_TARGET = system("hello!")
TARGET_KIND = obj({}, {"group": text("Present: the target is a group."), "room": text("Present: the target is a room.")})

ATTACHMENT = obj({"attachment": file()})
URLS = array(text("Of the file; then that of its thumbnail, if it has one.", least=1), least=1, most=2)
