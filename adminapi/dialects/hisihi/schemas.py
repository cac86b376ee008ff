"""What the hisihi endpoints take and answer, for the description under `/-/docs`; `shapes` prints the answers and
`parameters` reads the requests, and the tests hold the one against the other.

Only the seed's way of asking is described; `parameters` takes more: digits for numbers, lists for texts joined with colons,
ids in every dialect's form.
"""

from __future__ import annotations

from adminapi.dialects.hisihi.codes import MEMBER_ALREADY
from adminapi.dialects.hisihi.parameters import (
    AVATAR_MOST,
    DESCRIPTION_MOST,
    NAME_MOST,
    PAGE_MOST,
    PER_PAGE,
    PER_PAGE_MOST,
    USER_MOST,
)
from adminapi.dialects.hisihi.shapes import APPLIED, GROUP, USER
from adminapi.schemas import NAME, Schema, array, boolean, constant, either, integer, nullable, obj, sent, text
from protocol.ids import LARGEST
from protocol.signatures import Action

LETTERS = r"[^\s:\x00-\x1f\x7f-\x9f]+"
CLIENT_ID = text("A client id, such as `c565`.", least=1, most=USER_MOST, pattern=f"^{LETTERS}$", example="c72")
UID = text(
    "A client id; a number is that of one of the kind `c`.", least=1, most=USER_MOST, pattern=f"^{LETTERS}$", example="c565"
)
MEMBERS = text("Client ids joined with colons.", pattern=f"^({LETTERS}(:{LETTERS})*)?$")
SOME_MEMBERS = text(
    "Client ids, at most 1,000, joined with colons.", pattern=f"^{LETTERS}(:{LETTERS})*$", example="c667:c775"
)
GROUP_ID = integer("The group's id.", least=1, most=LARGEST, example=13579)
ORGANIZATION = integer("The organisation's id.", least=1, most=LARGEST, example=2)
CLASS = integer("The class's id.", least=1, most=LARGEST, example=2)
CONVERSATION = text("The group's id in LeanCloud's form.", pattern="^[0-9a-f]{24}$", example="5673c5ef60b27f7a2627062f")
TIME = integer("Unix seconds.", least=0, example=1450423535)

SIGNED = {
    "timestamp": text("Unix seconds.", pattern="^[0-9]+$", example="1450166986"),
    "signature": text("HMAC-SHA1 with the master key.", pattern="^[0-9a-f]{40}$"),
    "nonce": text(pattern="^[A-Za-z0-9]{8}$", example="cdXsciFc"),
    "app_id": text(),
    "client_id": text(),
}
SIGNED_LIST: Schema = {**MEMBERS, "description": "As it is signed: ascending."}
LOGIN = obj(SIGNED)
OPENING = obj({**SIGNED, "sorted_member_ids": SIGNED_LIST})


def signed_action(action: str) -> Schema:
    """The answer of HI-03 and HI-04."""
    more = {"conversation_id": text(), "sorted_member_ids": SIGNED_LIST, "action": constant(action)}
    return obj({**SIGNED, **more})


INVITATION = signed_action(Action.INVITE.value)
REMOVAL = signed_action(Action.KICK.value)

GROUP_NAME = text(least=1, most=NAME_MOST, pattern=NAME, example="g123")
AVATAR = text("A URL, or nothing.", most=AVATAR_MOST, example="http://pic.hisihi.com/232rwfrqw.jpg")
DESCRIPTION = text(most=DESCRIPTION_MOST, example="群描述信息")
CREATION = sent(
    {
        "group_name": {**GROUP_NAME, "examples": ["666"]},
        "member_client_ids": {**SOME_MEMBERS, "pattern": MEMBERS["pattern"], "examples": ["o12:u232:p23"]},
        "organization_id": ORGANIZATION,
        "group_avatar": AVATAR,
        "admin_uid": {**CLIENT_ID, "examples": ["o12"]},
        "description": DESCRIPTION,
    },
    {"conversation_id": text("Empty: a new one; else that of the group to adopt.", pattern="^([0-9a-f]{24})?$", example="")},
)
CREATED = obj(
    {
        "group_id": GROUP_ID,
        "group_name": text(),
        "member_client_ids": MEMBERS,
        "organization_id": ORGANIZATION,
        "conversation_id": CONVERSATION,
        "group_avatar": text(),
        "admin_uid": text(),
        "description": text(),
    }
)
RENAMING = sent({"group_name": nullable(GROUP_NAME)})
RENAMED = obj({"group_name": text(least=1)})
ADDITION = sent({"member_client_ids": SOME_MEMBERS})
ADDED = obj({"group_id": GROUP_ID, "member_client_ids": MEMBERS})
REMOVER = obj({}, {"uid": text("Who does it; the admin if nobody is named.", most=USER_MOST, pattern=f"^{LETTERS}$")})

ROW = {
    "id": GROUP_ID,
    "group_avatar": text(),
    "group_name": text(),
    "description": text(),
    "level": integer("Members it may have.", least=1, example=1000),
    "conversation_id": CONVERSATION,
    "create_time": TIME,
}
GROUP_INFO = obj({**ROW, "organization_id": integer("0 if it has none.", example=2)})
PAGING = obj(
    {},
    {
        "page": integer("From 1.", least=1, most=PAGE_MOST, default=1),
        "per_page": integer("Groups on a page.", least=1, most=PER_PAGE_MOST, default=PER_PAGE),
    },
)
PAGE = obj({"data": array(obj(ROW)), "total_count": integer("On all pages.", least=0)})
GROUPS_OF_USER = obj({"data": array(GROUP_INFO)})
CONTACTS = obj(
    {
        "data": array(
            obj(
                {
                    "id": either(
                        integer("A group's id, or the number in a user's client id.", least=0),
                        text("The client id of a user, where it is not a letter and a number.", least=1),
                    ),
                    "avatar": text(),
                    "name": text(),
                    "type": text(among=(GROUP, USER)),
                }
            )
        )
    }
)
ASKED_FOR = obj(
    {}, {"client_id": {**CLIENT_ID, "description": "Say whether this user is in the group.", "examples": ["c001"]}}
)
DETAIL = obj(
    {
        "data": obj(
            {
                "group_member_info": array(
                    obj(
                        {
                            "is_admin": integer(among=(0, 1)),
                            "avatar": text(),
                            "nickname": text("The client id where nothing else is known.", least=1),
                            "client_id": text(least=1),
                        }
                    )
                ),
                "group_info": GROUP_INFO,
            }
        )
    },
    {"is_exist_in_group": boolean("There where `client_id` is asked for.")},
)
MARKED = obj({"class_id": CLASS, "push_history_record_id": integer(least=1, example=123)})
APPLICATION = obj({"message": constant(APPLIED)})
ALREADY = obj({"code": constant(MEMBER_ALREADY.code), "message": constant(MEMBER_ALREADY.text)})
"""HI-17's own form of error."""
