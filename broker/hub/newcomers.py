"""Users that a command names and nobody has made yet, for wires that know no registration (LeanCloud).

The law: they are made only where the app's `create_users` lets a login make them, as part of the same decision.
"""

from __future__ import annotations

from collections.abc import Iterable

from broker.hub.decision import Decision
from broker.hub.rows import UserRow
from protocol.errors import Reason, Refused
from protocol.ids import IdForms


def check_name(name: str) -> None:
    """BAD_USER_ID if no user can be called so."""
    if not 0 < len(name) <= 128 or not name.isprintable() or any(char.isspace() for char in name):
        raise Refused(Reason.BAD_USER_ID, f"a user id has 1 to 128 printable characters and no spaces, unlike {name!r}")


def new_name(d: Decision) -> str:
    """32 hex digits that no user has yet."""
    forms = IdForms(d.hub.app.id)
    while (name := forms.hex32(d.hub.mint.next(d.now))) in d.hub.tables.users:
        pass
    return name


def ensure(d: Decision, name: str) -> None:
    """The user, made if need be. UNKNOWN_USER if he was deleted or the app makes none, BAD_USER_ID."""
    if name in d.hub.tables.users or not d.hub.app.settings.create_users:
        d.user(name)
        return
    check_name(name)
    d.put("users", UserRow(name, d.now))


def ensure_all(d: Decision, names: Iterable[str]) -> list[str]:
    """Each name once, in order; all of them users now."""
    unique = list(dict.fromkeys(names))
    for name in unique:
        ensure(d, name)
    return unique
