"""The ids conversations had before they were imported: a command that names one is given ours before it is executed; and
so is one that means a temporary conversation, whatever its id.

The law: this is the only place where an alias number (`protocol.ids`) is looked up, so no handler ever meets one; what is
no alias, or not of the kind that is meant, is no conversation, said as for any id that is not there. Conditions match
nothing then.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from broker.hub.tables import Tables
from protocol.commands import Command, Condition
from protocol.errors import Reason, Refused
from protocol.ids import ALIASES, TEMPORARIES
from protocol.pushes import Push
from protocol.records import Kind

AnyCommand = TypeVar("AnyCommand", bound=Command)
NOBODY = 0
"""No conversation has this id."""


def resolved(tables: Tables, command: AnyCommand) -> AnyCommand:
    """The command with our ids in the place of aliases. UNKNOWN_CONVERSATION."""
    number = getattr(command, "conversation", 0)
    if type(number) is int and number >= ALIASES:
        target = _target(tables, number)
        if target == NOBODY:
            raise Refused(Reason.UNKNOWN_CONVERSATION, "there is no such conversation")
        command = msgspec.structs.replace(command, conversation=target)
    where: tuple[Condition, ...] = getattr(command, "where", ())
    if where:
        command = msgspec.structs.replace(command, where=tuple(_condition(tables, each) for each in where))
    return command


def _target(tables: Tables, number: int) -> int:
    temporary, number = number & TEMPORARIES, number & ~TEMPORARIES
    if number >= ALIASES:
        alias = tables.aliases.get(number)
        number = NOBODY if alias is None else alias.target
    if temporary:
        row = tables.conversations.get(number)
        return number if row is not None and row.kind == Kind.TEMPORARY else NOBODY
    return number


def _condition(tables: Tables, condition: Condition) -> Condition:
    field, op, value = condition.field, condition.op, condition.value
    if not field and op == "any" and isinstance(value, list):
        return Condition(field, op, [[_triple(tables, each) for each in way] if _is_list(way) else way for way in value])
    return Condition(field, op, _operand(tables, value)) if field == "id" else condition


def _triple(tables: Tables, given: Any) -> Any:
    """A condition inside an `any`, as it was said; what is none is left to be refused."""
    if isinstance(given, Condition):
        return _condition(tables, given)
    if _is_list(given) and len(given) == 3 and all(isinstance(each, str) for each in given[:2]):
        made = _condition(tables, Condition(*given))
        return [made.field, made.op, made.value]
    return given


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _operand(tables: Tables, value: object) -> object:
    if isinstance(value, list):
        return [_operand(tables, each) for each in value]
    if type(value) is int and value >= ALIASES:
        return _target(tables, value)
    return value


def name(tables: Tables, push: Push) -> None:
    """Say in a push what its conversation was called where it comes from."""
    if tables.alias_of:
        number = getattr(push, "conversation", 0) or getattr(getattr(push, "message", None), "conversation", 0)
        push.alias = tables.alias_of.get(number, "")
