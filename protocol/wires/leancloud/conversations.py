"""Making, finding and changing conversations (`protocols.md` 2.5).

The law: a conversation is printed as a row of `_Conversation`: custom attributes at the top, the built-in fields over them;
and a conversation that is started, found or counted is one hub command.

Readings: every normal conversation is a group here, also of two, as in the REST dialect; members that are not there yet are
made. `m`, and what is settled at the start or kept by the server, is refused in an update. A temporary conversation ends
`tempConvTTL` after it began, and when it has been silent for the app's `temporary_days`. An existing unique conversation
takes the new name from a member who may change it; by others it is found as it is. A query finds temporary conversations
by their ids alone, as they are no rows of `_Conversation` there, and rooms only where there are conditions. Who was put out
of a conversation finds it by its id and sees its name, because his client asks for it to tell him so. Of a room those
count who are online: whoever is lost stays a member, for he need not join again, and counts no more 10 s later.
"""

from __future__ import annotations

from typing import Any

import orjson

from protocol.codec import write_json
from protocol.commands import (
    Condition,
    ConversationFound,
    ConversationPage,
    CreateConversation,
    Created,
    Done,
    GetConversation,
    ListConversations,
    UpdateConversation,
    Updated,
)
from protocol.errors import Reason, Refused
from protocol.records import ConversationInfo, Kind, Status
from protocol.richtext import binary_of, string_of
from protocol.wires.leancloud import fields
from protocol.wires.leancloud.errors import CONVERSATION, QUERY, UPDATE
from protocol.wires.leancloud.names import cid_of, iso, mid_of, number_of
from protocol.wires.leancloud.schema import Cmd, GenericCommand, Op
from protocol.wires.leancloud.seat import TEMPORARY, Parsers, Request, Seat
from protocol.wires.leancloud.session import signature_of
from protocol.wires.leancloud.where import conditions, sort_of
from protocol.wires.native.fields import Data, bad
from protocol.wires.native.ids import AppIds

NAME_MOST = 256
LIMIT, LIMIT_MOST, SKIP_MOST = 10, 1000, 1_000_000
CIDS_MOST = 200
COMPACT, LAST_MESSAGE = 1, 2
"""Bits of a query's `flag`."""
UNSEEN, OWN_UNSEEN = [int(Kind.TEMPORARY)], [int(Kind.TEMPORARY), int(Kind.ROOM)]
"""Kinds that a query by conditions leaves out, and one without."""
FIXED = frozenset(
    {"objectId", "m", "c", "tr", "sys", "unique", "uniqueId", "createdAt", "updatedAt", "lm", "mu", "ACL", "ttl", "temp"}
)  # fmt: skip
"""Fields of a conversation that an update does not set."""


def conv(op: Op, **said: Any) -> Any:
    return GenericCommand(cmd=Cmd.CONV, op=op, convMessage=said)


def start(g: Any, seat: Seat) -> Request:
    said = g.convMessage
    attributes = {key: value for key, value in fields.document(said, "attr").items() if value is not None}
    name = attributes.pop("name", "")
    if not isinstance(name, str) or len(name) > NAME_MOST:
        bad("name", f"text of at most {NAME_MOST} characters")
    kind = Kind.TEMPORARY if said.tempConv else Kind.ROOM if said.transient else Kind.GROUP
    command = CreateConversation(
        kind=kind,
        members=fields.clients([*said.m] or [seat.peer]),
        name=name,
        attributes=write_json({key: value for key, value in attributes.items() if key not in FIXED}),
        unique=(said.unique and kind == Kind.GROUP) or kind == Kind.TEMPORARY,
        newcomers=True,
        signature=signature_of(said),
        ttl_seconds=max(said.tempConvTTL, 0),
        rename=kind == Kind.GROUP,
    )

    def started(reply: Created) -> Any:
        made = reply.conversation
        answer = conv(Op.STARTED, cid=cid_of(made.id, made.kind, seat.ids, made.alias), cdate=iso(made.created_ms))
        if made.ttl_seconds:
            answer.convMessage.tempConvTTL = made.ttl_seconds
        return answer

    return Request(command, started, CONVERSATION)


def query(g: Any, seat: Seat) -> Request:
    said = g.convMessage
    limit = said.limit if said.HasField("limit") else LIMIT
    if not 0 <= limit <= LIMIT_MOST:
        bad("limit", f"a number from 0 to {LIMIT_MOST}")
    if not 0 <= said.skip <= SKIP_MOST:
        bad("skip", f"a number from 0 to {SKIP_MOST}")
    where: tuple[Condition, ...] = ()
    if said.tempConvIds:
        numbers = [
            number_of(TEMPORARY + each.removeprefix(TEMPORARY), seat.ids) or 0 for each in said.tempConvIds[:CIDS_MOST]
        ]
        where, limit = (Condition("id", "in", numbers),), LIMIT_MOST
        visible = True
    else:
        where = conditions(fields.document(said, "where"), seat.ids)
        visible = bool(where)
        if not any(each.field == "id" for each in where):
            where = (*where, Condition("kind", "not-in", UNSEEN if visible else OWN_UNSEEN))
    command = ListConversations(
        where=where,
        size=max(limit, 1),
        skip=said.skip,
        sort=sort_of(said.sort),
        visible=visible,
        with_members=not said.flag & COMPACT,
        left=True,
    )

    def results(reply: ConversationPage) -> Any:
        rows = [row(info, seat.ids, said.flag) for info in reply.conversations[:limit]]
        return conv(Op.RESULTS, results={"data": orjson.dumps(rows).decode()})

    return Request(command, results, QUERY)


def custom(attributes: bytes) -> Data:
    """The attributes that are none of the built-in fields here; other APIs know no such fields, so there may be some."""
    held: Data = orjson.loads(attributes)
    return {key: value for key, value in held.items() if key not in FIXED}


def row(info: ConversationInfo, ids: AppIds, flag: int) -> Data:
    """A row of `_Conversation`."""
    made = custom(info.attributes)
    made["objectId"] = cid_of(info.id, info.kind, ids, info.alias)
    made["name"] = info.name
    if info.users is not None:
        made["m"] = info.users
    if info.quiet:
        made["mu"] = info.quiet
    if info.creator:
        made["c"] = info.creator
    if info.kind == Kind.ROOM:
        made["tr"] = True
    if info.kind == Kind.SYSTEM:
        made["sys"] = True
    if info.unique:
        made["unique"] = True
    if info.kind == Kind.TEMPORARY:
        made["temp"] = True
    if info.ttl_seconds:
        made["ttl"] = info.ttl_seconds
    made["createdAt"] = iso(info.created_ms)
    made["updatedAt"] = iso(info.updated_ms or info.created_ms)
    last = info.last_message
    if said_ms := info.said_ms or (last.time_ms if last else 0):
        made["lm"] = {"__type": "Date", "iso": iso(said_ms)}
    if last is not None and flag & LAST_MESSAGE and last.status != Status.DELETED:
        made["msg"] = string_of(last)
        made["bin"] = binary_of(last) is not None
        made["msg_from"] = last.sender
        made["msg_mid"] = mid_of(last, ids)
        made["msg_timestamp"] = last.time_ms
        if last.edited_ms:
            made["patch_timestamp"] = last.edited_ms
    return made


def update(g: Any, seat: Seat) -> Request:
    said = g.convMessage
    cid, number = fields.cid(said, seat)
    changes = fields.document(said, "attr")
    if settled := sorted(FIXED & {key.split(".")[0] for key in changes}):
        raise Refused(Reason.BAD_FORMAT, f"{settled[0]} is not changed by an update.")
    name = changes.pop("name", None)
    if name is not None and (not isinstance(name, str) or len(name) > NAME_MOST):
        bad("name", f"text of at most {NAME_MOST} characters")
    for key, value in changes.items():
        if isinstance(value, dict) and "__op" in value:
            if value["__op"] != "Delete":
                raise Refused(Reason.BAD_FORMAT, f"{key[:64]}: no __op but Delete is known here; send the value itself.")
            changes[key] = None
    command = UpdateConversation(
        conversation=number,
        name=name,
        attributes=write_json(changes) if changes else None,
        merge=True,
        paths=True,
    )
    asked = {key.split(".")[0] for key in changes}

    def told(reply: Updated) -> Any:
        answer = updated(cid, reply)
        held = orjson.loads(reply.attributes)
        modified = {key: held.get(key) for key in asked} | ({} if name is None else {"name": name})
        answer.convMessage.attrModified.data = orjson.dumps(modified).decode()
        return answer

    return Request(command, told, UPDATE)


def updated(cid: str, reply: Done) -> Any:
    return conv(Op.UPDATED, cid=cid, udate=iso(reply.time_ms))


def is_member(g: Any, seat: Seat) -> Request:
    """Of each of `cids` whether the client is in it."""
    cids = tuple(dict.fromkeys(g.convMessage.cids))
    if not 0 < len(cids) <= CIDS_MOST:
        bad("cids", f"a list of 1 to {CIDS_MOST} conversations")
    numbers = {cid: number_of(cid, seat.ids) or 0 for cid in cids}
    command = ListConversations(where=(Condition("id", "in", list(numbers.values())),), size=CIDS_MOST)

    def results(reply: ConversationPage) -> Any:
        inside = {info.id for info in reply.conversations}
        called = {cid_of(info.id, info.kind, seat.ids, info.alias) for info in reply.conversations}
        said = {cid: number in inside or cid in called for cid, number in numbers.items()}
        return conv(Op.IS_MEMBER, results={"data": orjson.dumps(said).decode()})

    return Request(command, results, CONVERSATION)


def count(g: Any, seat: Seat) -> Request:
    cid, number = fields.cid(g.convMessage, seat)

    def result(reply: ConversationFound) -> Any:
        found = reply.conversation
        return conv(Op.RESULT, cid=cid, count=found.members if found.online is None else found.online)

    return Request(GetConversation(conversation=number, count_online=True), result, CONVERSATION)


REQUESTS: Parsers = {
    (Cmd.CONV, Op.START): start,
    (Cmd.CONV, Op.QUERY): query,
    (Cmd.CONV, Op.UPDATE): update,
    (Cmd.CONV, Op.COUNT): count,
    (Cmd.CONV, Op.IS_MEMBER): is_member,
}
