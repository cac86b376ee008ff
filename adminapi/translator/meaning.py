"""What a call means: its commands in plain values, so that the calls of two dialects can be compared.

The law: two calls mean the same exactly when their meanings are equal; what a command carries is in its meaning, or it could
get lost unseen. Commands that only look around are left out, of the notices that follow a change there is a word; a command
for several users is one for each where a dialect says it of one at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from adminapi.dialect import Ask, Endpoint
from adminapi.dialects.saying import Point, Sayings
from adminapi.translator.recorder import DIRECT, NEWEST, Recording
from protocol.commands import (
    Command,
    Condition,
    GetConversation,
    History,
    ListConversations,
    ListMembers,
    ListMessages,
    ListUsers,
    Managed,
    SendMessage,
    SendSystem,
    SetBlocked,
    SetMuted,
    UpdateConversations,
    UpdateUser,
)
from protocol.ids import EPOCH_MS
from protocol.richtext import ORIGINAL

RANKS: Mapping[str, int] = {"ListMembers": 1, "GetUser": 2, "GetConversation": 3, "ListUsers": 4}
"""Of the commands of a call that only reads, the one it is for is the highest of these, others above them all, the last of
several."""
UNSAID = frozenset({"with_members", "visible", "left", "numeric_user", "present", "conversation_kind"})
ALIKE = frozenset({"users", "members", "mentions", "only"})
"""Lists in which the order says nothing."""
RICH = ("_lctype", "_lctext", "_lcattrs", "_lcfile", "_lcloc")


class Meaning(msgspec.Struct, frozen=True):
    """A command by its name, and its fields but for those that have their default."""

    verb: str
    fields: Mapping[str, Any]


class Difference(msgspec.Struct, frozen=True):
    """A field that is another, or missing: None."""

    field: str
    was: Any
    now: Any


def meanings(recording: Recording, endpoint: Endpoint, ask: Ask, sayings: Sayings) -> list[Meaning]:
    """Of a call, in the order of its commands."""
    heard = list(recording.heard)
    point = sayings.points.get(name_of(endpoint), Point())
    changing = [each for each in heard if not type(each.command).reads]
    if changing:
        said = [each for each in changing if not isinstance(each.command, SendSystem)] or changing
    elif heard:
        members_asked = endpoint.path.endswith("/members")
        said = [point_of(heard, point.command or ("ListMembers" if members_asked else ""))]
    else:
        return [Meaning("Upload", {})] if endpoint.uploads else [Meaning(point.verb, {})] if point.verb else []
    found = [each for managed in said for each in plain(managed)]
    more = point.more(ask) if point.more is not None else {}
    if len(said) < len(changing):
        more = {**more, "notices": True}
    name = ask.headers.get("idempotency-key")
    if name and any(isinstance(each.command, SendMessage) for each in said):
        more = {**more, "client_msg_id": name}
    return [Meaning(point.verb or each.verb, {**each.fields, **more}) for each in found]


def name_of(endpoint: Endpoint) -> str:
    """The endpoint's function, as `groups.delete_group`."""
    module = getattr(endpoint.run, "__module__", "").rpartition(".")[2]
    return f"{module}.{getattr(endpoint.run, '__name__', '')}"


def point_of(heard: Sequence[Managed], command: str) -> Managed:
    """The command that a call which only reads is for."""
    named = [each for each in heard if type(each.command).__name__ == command]
    if named:
        return named[-1]
    ranked = [(RANKS.get(type(each.command).__name__, 9), at) for at, each in enumerate(heard)]
    return heard[max(ranked)[1]]


def plain(managed: Managed) -> Iterable[Meaning]:
    command = managed.command
    fields = said_of(command)
    around = {"as": managed.user, "heed_ban": managed.heed_ban, "newcomers": bool(managed.newcomers)}
    fields |= {name: value for name, value in around.items() if value}
    verb = type(command).__name__
    match command:
        case SetMuted(users=users, muted=muted):
            return single("Mute" if muted else "Unmute", fields, users, "muted")
        case SetBlocked(users=users, blocked=blocked):
            return single("Block" if blocked else "Unblock", fields, users, "blocked")
        case UpdateUser():
            named = {"user": fields.pop("as", ""), "merge": True, "must_exist": True}
            return [Meaning("PutUser", {**fields, **named})]
        case UpdateConversations(where=where) if number_of(where) is not None:
            del fields["where"]
            return [Meaning("UpdateConversation", {"conversation": number_of(where), **fields})]
        case ListConversations(where=where) if number_of(where) is not None:
            return [Meaning("GetConversation", {"conversation": number_of(where)})]
        case ListConversations(page=page, size=size, skip=skip):
            counted(fields, (page - 1) * size + skip, size)
        case ListUsers(skip=skip, limit=limit):
            counted(fields, skip, limit)
        case ListMessages(page=page, size=size):
            verb = "History"
            counted(fields, (page - 1) * size, size)
        case GetConversation(to=to) if to:
            fields = {"between": [managed.user, to]}
        case ListMembers(page=page, size=size) if size:
            counted(fields, (page - 1) * size, size)
        case History():
            fields = stretch(command, managed)
        case _ if verb == "SendMessage" or verb == "EditMessage":
            message(fields)
        case _ if verb == "UpdateConversation":
            changes(fields)
        case _ if verb == "CreateConversation":
            fields["members"] = [user for user in fields.get("members", ()) if user != managed.user]
    if verb == "UpdateConversation" and "where" in fields:
        del fields["where"]
    return [Meaning(verb, fields)]


def said_of(command: Command) -> dict[str, Any]:
    """Its fields in plain values, but for defaults."""
    defaults = dict(zip(reversed(command.__struct_fields__), reversed(command.__struct_defaults__), strict=False))
    found: dict[str, Any] = {}
    for name in command.__struct_fields__:
        value = getattr(command, name)
        if name in UNSAID or (name in defaults and value == defaults[name]):
            continue
        found[name] = valued(value)
    return found


def valued(value: Any) -> Any:
    if isinstance(value, bytes):
        return orjson.loads(value) if value else None
    if isinstance(value, Condition):
        return [value.field, value.op, valued(value.value)]
    if isinstance(value, tuple | list):
        return [valued(each) for each in value]
    if isinstance(value, msgspec.Struct):
        return {name: valued(getattr(value, name)) for name in value.__struct_fields__}
    return value


def single(verb: str, fields: dict[str, Any], users: Iterable[str], word: str) -> list[Meaning]:
    rest = {name: value for name, value in fields.items() if name not in ("users", word)}
    return [Meaning(verb, {**rest, "user": user}) for user in users]


def number_of(where: Sequence[Condition]) -> int | None:
    """The conversation, if that is all that is asked for."""
    alone = len(where) == 1 and where[0].field == "id" and where[0].op == "="
    return where[0].value if alone and isinstance(where[0].value, int) else None


def counted(fields: dict[str, Any], skip: int, limit: int) -> None:
    for name in ("page", "size", "skip"):
        fields.pop(name, None)
    fields |= {"limit": limit, **({"skip": skip} if skip else {})}


def stretch(command: History, managed: Managed) -> dict[str, Any]:
    """Times for the places of messages (`recorder`)."""
    fields: dict[str, Any] = {"conversation": command.conversation, "limit": command.limit}
    if command.conversation == DIRECT:
        fields["conversation"] = "direct"
    if command.before is not None and command.before <= NEWEST:
        fields["older_ms"] = EPOCH_MS + command.before
    if command.after is not None:
        fields |= {"forward": True, "newer_ms": EPOCH_MS + command.after + 1}
    return fields


def message(fields: dict[str, Any]) -> None:
    """The body's parts as fields; what a LeanCloud string says beside them stays whole."""
    body = fields.pop("body", None) or {}
    original = body.pop(ORIGINAL, None)
    fields |= {name: value for name, value in body.items() if value is not None}
    if isinstance(original, str) and says_more(original, fields.get("url")):
        fields["original"] = original


def says_more(original: str, url: object) -> bool:
    try:
        document = orjson.loads(original)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(document, dict) or "_lctype" not in document:
        return False
    file = document.get("_lcfile")
    return bool(document.keys() - set(RICH)) or (file is not None and file != {"url": url})


def changes(fields: dict[str, Any]) -> None:
    attributes = fields.get("attributes")
    if isinstance(attributes, dict) and fields.get("merge"):
        attributes = {name: value for name, value in attributes.items() if (name, value) != ("name", None)}
        fields["attributes"] = attributes
        if not attributes:
            del fields["attributes"]
    if "attributes" not in fields:
        fields.pop("merge", None)


def with_direct(found: Sequence[Meaning], recording: Recording) -> list[Meaning]:
    """History of two users says whose."""
    pairs = [
        [each.user, each.command.to]
        for each in recording.heard
        if isinstance(each.command, GetConversation) and each.command.to
    ]
    return [
        Meaning(
            each.verb,
            {**{name: value for name, value in each.fields.items() if name != "conversation"}, "between": pairs[0]},
        )
        if each.fields.get("conversation") == "direct" and pairs
        else each
        for each in found
    ]


def differences(was: Meaning, now: Meaning) -> list[Difference]:
    """Field by field; of lists of users the order counts for nothing."""
    names = sorted(was.fields.keys() | now.fields.keys())
    pairs = [(name, was.fields.get(name), now.fields.get(name)) for name in names]
    return [Difference(name, one, other) for name, one, other in pairs if key(name, one) != key(name, other)]


def key(name: str, value: Any) -> Any:
    if name in ALIKE and isinstance(value, list):
        return sorted(value)
    if name == "where" and isinstance(value, list):
        return sorted(orjson.dumps(each) for each in value)
    return value


def gathered(found: Sequence[Meaning]) -> list[Meaning]:
    """As if several calls for one user each were one, so that they can be compared with one for them all."""
    kept: list[Meaning] = []
    for each in found:
        last = kept[-1] if kept else None
        field = "users"
        if last is not None and last.verb == each.verb and field in last.fields and field in each.fields:
            rest, other = ({n: v for n, v in one.fields.items() if n != field} for one in (last, each))
            if rest == other:
                kept[-1] = Meaning(last.verb, {**rest, field: [*last.fields[field], *each.fields[field]]})
                continue
        kept.append(each)
    return kept
