"""The frame nine of ten are: a `msg.send` in JSON with plain fields, read into its command in one step (ZD-09).

The law: whatever this reads, the long way (`codec.read_json`, then `requests`) reads as the very same command, and what is
in any doubt it leaves to that: frames the codec or a parser may refuse, other fields, ids not met lately. It gives None
then and has said nothing; a property test holds the two against each other. Measured, the wire's whole share of a frame:
1.5 us instead of 4.1; of a send with further fields, tried in vain, 5.5 instead of 4.3. Writing answer and push in one step,
too, saved 0.9 % of a message's instructions and was left.

No twin of a key slips through: every key is a name of ours, without a colon, so in the raw text there is one colon a key and
those inside strings. If there are no more than the fields that are there and their texts account for, no key came twice.
With an escape in a string that count proves nothing, unless there are no colons but the keys'.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from protocol.codec import INT_MAX, INT_MIN, is_name, write_json
from protocol.commands import SendMessage
from protocol.wires.native.fields import CLIENT_MSG_ID_MOST, ID_MOST, TYPE_LEAST, TYPE_MOST
from protocol.wires.native.ids import AppIds
from protocol.wires.native.replies import Asked
from protocol.wires.wire import Submit

SEND = "msg.send"
MARK = b'"msg.send"'
"""What is read here has it in it."""


class Data(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    conv_id: str
    type: int
    text: str | UnsetType = UNSET
    client_msg_id: str = ""


class Frame(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["msg.send"]
    data: Data
    id: int | str | UnsetType = UNSET


READ = msgspec.json.Decoder(Frame).decode


def read_plain_send(raw: bytes, ids: AppIds) -> Submit | None:
    """The request of this frame; None if it has to be read the long way."""
    try:
        frame = READ(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    data, number = frame.data, frame.id
    text, sent_as, kind = data.text, data.client_msg_id, data.type
    conversation = ids.known(data.conv_id)
    if conversation is None or not TYPE_LEAST <= kind <= TYPE_MOST or not kind or (kind == -1 and not text):
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
    if colons and (b"\\" in raw or colons != _inside(text, sent_as, number)):
        return None
    return Submit(
        Asked(SEND, None if number is UNSET else number),
        SendMessage(
            type=kind,
            body=b"{}" if text is UNSET else write_json({"text": text}),
            conversation=conversation,
            client_msg_id=sent_as,
        ),
    )


def _inside(*values: object) -> int:
    """Colons inside the texts; a known id of a conversation has none."""
    return sum(value.count(":") for value in values if isinstance(value, str))
