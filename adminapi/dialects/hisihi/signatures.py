"""The signatures an app's client shows when it logs in or changes a conversation: HI-01 to HI-04, HI-18 to HI-20.

The formulas, and whoever checks what is made here, are in `protocol.signatures`; so the two cannot drift apart. What is
signed is exactly the text that is sent back: the list of members in ascending order, the timestamp in whole seconds.
"""

from __future__ import annotations

import secrets
import string

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.hisihi import parameters, schemas
from adminapi.schemas import About
from protocol.signatures import Action, member_ids, sign_action

routes = Routes()

NONCE_LETTERS = string.ascii_letters + string.digits
NONCE_LENGTH = 8
"""HI-19."""


def signed(ask: Ask, action: Action, *, conversation: str = "", members: str = "") -> dict[str, str]:
    """The fields all four answers have."""
    user = parameters.client_id(ask.path["client_id"], "client_id")
    timestamp = str(int(ask.now_s))
    nonce = "".join(secrets.choice(NONCE_LETTERS) for _ in range(NONCE_LENGTH))
    app = ask.app
    signature = sign_action(
        app.master_key, action, app.id, user, timestamp, nonce, conversation=conversation, members=members
    )
    return {"timestamp": timestamp, "signature": signature, "nonce": nonce, "app_id": app.id, "client_id": user}


def members_of(ask: Ask) -> str:
    """The last segment of the path, ascending; it may be missing or empty (MUX-8)."""
    return member_ids(parameters.client_ids(ask.path.get("sorted_member_ids", ""), "sorted_member_ids"))


def with_conversation(ask: Ask, action: Action) -> Answer:
    conversation = parameters.signable(ask.path["conversation_id"], "conversation_id")
    members = members_of(ask)
    fields = signed(ask, action, conversation=conversation, members=members)
    more = {"conversation_id": conversation, "sorted_member_ids": members, "action": action.value}
    return json_answer({**fields, **more})


@routes.add("GET", "/im/signature/login/{app_id}/{client_id}", about=About(answer=schemas.LOGIN))
async def sign_login(ask: Ask, broker: Broker) -> Answer:
    """HI-01. Sign a login.

    With the master key only, as the other signatures: whoever has one acts as this user."""
    return json_answer(signed(ask, Action.LOGIN))


@routes.add(
    "GET",
    "/im/signature/conversation/{app_id}/{client_id}/{sorted_member_ids}",
    about=About(answer=schemas.OPENING),
)
async def sign_conversation(ask: Ask, broker: Broker) -> Answer:
    """HI-02. Sign the opening of a conversation with these members."""
    members = members_of(ask)
    return json_answer({**signed(ask, Action.CONVERSATION, members=members), "sorted_member_ids": members})


@routes.add("GET", "/im/signature/invite/{app_id}/{client_id}/{conversation_id}", about=About(answer=schemas.INVITATION))
@routes.add(
    "GET",
    "/im/signature/invite/{app_id}/{client_id}/{conversation_id}/{sorted_member_ids}",
    about=About(answer=schemas.INVITATION),
)
async def sign_invite(ask: Ask, broker: Broker) -> Answer:
    """HI-03. Sign an invitation to a conversation.

    Without members it is the signature of who joins by himself."""
    return with_conversation(ask, Action.INVITE)


@routes.add(
    "GET",
    "/im/signature/kick/{app_id}/{client_id}/{conversation_id}/{sorted_member_ids}",
    about=About(answer=schemas.REMOVAL),
)
async def sign_kick(ask: Ask, broker: Broker) -> Answer:
    """HI-04. Sign the removal of these members."""
    return with_conversation(ask, Action.KICK)
