"""The frame nine of ten are, a `msg.send` in JSON with plain fields (ZD-09), and the first of every connection, a `login`
(ZD-03): each read into its command in one step.

The law: whatever this reads, the long way (`codec.read_json`, then `requests`) reads as the very same command, and what is
in any doubt it leaves to that: frames the codec or a parser may refuse, other fields, ids of no conversation. It gives None
then and has said nothing; a property test holds the two against each other. Measured, the wire's whole share of a frame:
1.5 us instead of 4.1; of a send with further fields, tried in vain, 5.5 instead of 4.3. Writing answer and push in one step,
too, saved 0.9 % of a message's instructions and was left.

No twin of a key slips through: every key is a name of ours, without a colon, so in the raw text there is one colon a key and
those inside strings. If there are no more than the fields that are there and their texts account for, no key came twice.
With an escape in a string that count proves nothing, unless there are no colons but the keys'.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from protocol.codec import INT_MAX, INT_MIN, is_name, write_json
from protocol.commands import Login, SendMessage
from protocol.wires.native.fields import (
    CLIENT_MSG_ID_MOST,
    DEVICE_MOST,
    FLAGS,
    ID_MOST,
    NAME_MOST,
    SECRET_MOST,
    TYPE_LEAST,
    TYPE_MOST,
    USER_ID_MOST,
)
from protocol.wires.native.ids import AppIds
from protocol.wires.native.replies import Asked
from protocol.wires.wire import Submit

SEND = "msg.send"
MARK = b'"msg.send"'
"""What is read here has it in it."""


class Data(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: int
    conv_id: str | UnsetType = UNSET
    to: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    client_msg_id: str = ""
    transient: int | bool | str | UnsetType = UNSET
    receipt: int | bool | str | UnsetType = UNSET


class Frame(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["msg.send"]
    data: Data
    id: int | str | UnsetType = UNSET


Secret = Annotated[str, Meta(max_length=SECRET_MOST)]


class LoginData(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    app_id: str
    client_id: str
    device_id: str = ""
    platform: str = ""
    tag: str = ""
    install_id: str = ""
    token: Secret = ""
    password: Secret = ""
    session_token: Secret = ""


class LoginFrame(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["login"]
    data: LoginData
    id: Annotated[int, Meta(ge=INT_MIN, le=INT_MAX)] | Annotated[str, Meta(max_length=ID_MOST)] | UnsetType = UNSET


GIVEN: dict[object, bool] = {UNSET: False, **FLAGS}
"""What a flag says, given or not."""
READ = msgspec.json.Decoder(Frame).decode
READ_LOGIN = msgspec.json.Decoder(LoginFrame).decode


def read_plain_send(raw: bytes, ids: AppIds) -> Submit | None:
    """The request of this frame; None if it has to be read the long way."""
    try:
        frame = READ(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    data, number = frame.data, frame.id
    place, to, text, sent_as, kind = data.conv_id, data.to, data.text, data.client_msg_id, data.type
    if to is UNSET:
        to, conversation = "", None if place is UNSET else ids.conversation_number(place)
    else:
        conversation = 0 if place is UNSET and is_name(to, USER_ID_MOST) else None
    transient, receipt = GIVEN.get(data.transient), GIVEN.get(data.receipt)
    if conversation is None or transient is None or receipt is None:
        return None
    if not TYPE_LEAST <= kind <= TYPE_MOST or not kind or (kind == -1 and not text):
        return None
    if sent_as and not is_name(sent_as, CLIENT_MSG_ID_MOST):
        return None
    if isinstance(number, int):
        if not INT_MIN <= number <= INT_MAX:
            return None
    elif number is not UNSET and len(number) > ID_MOST:
        return None
    colons = raw.count(b":") - 4 - (number is not UNSET) - (text is not UNSET)
    if sent_as:
        colons -= 1
    if colons:
        colons -= (data.transient is not UNSET) + (data.receipt is not UNSET)
    if colons and (b"\\" in raw or colons != _inside(to, text, sent_as, number)):
        return None
    return Submit(
        Asked(SEND, None if number is UNSET else number),
        SendMessage(
            type=kind,
            body=b"{}" if text is UNSET else write_json({"text": text}),
            conversation=conversation,
            to=to,
            client_msg_id=sent_as,
            transient=transient,
            receipt=receipt,
        ),
    )


def _inside(*values: object) -> int:
    """Colons inside the texts; an id of a conversation has none."""
    return sum(value.count(":") for value in values if isinstance(value, str))


def read_plain_login(raw: bytes, upgrade_token: str) -> Submit | None:
    """The request of this frame (1.5 us instead of 3.4); None if it has to be read the long way, or is none."""
    try:
        frame = READ_LOGIN(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    data, number = frame.data, frame.id
    fields = msgspec.structs.astuple(data)
    app, user, device, platform, tag, install, token, password, session_token = fields
    if not is_name(app, NAME_MOST) or not is_name(user, USER_ID_MOST):
        return None
    for name in (device, platform, tag, install):
        if name and not is_name(name, DEVICE_MOST):
            return None
    colons = raw.count(b":") - 2 - len(fields) + fields.count("") - (number is not UNSET)
    if colons and (b"\\" in raw or colons != _inside(*fields, number)):
        return None
    return Submit(
        Asked("login", None if number is UNSET else number),
        Login(
            app=app,
            user=user,
            device=device,
            platform=platform,
            tag=tag,
            install=install,
            token=token or ("" if password else upgrade_token),
            password=password,
            session_token=session_token,
        ),
    )
