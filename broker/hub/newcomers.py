"""Users that a session's command names and nobody has made yet, for wires that know no registration (LeanCloud).

The law: they are made only where the app's `create_users` lets a login make them, as part of the same decision. What a
back office names is made by `Decision.user`, as its call says.
"""

from __future__ import annotations

from collections.abc import Iterable

from broker.hub.decision import Decision
from protocol.ids import IdForms


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
    else:
        d.make(name)


def ensure_all(d: Decision, names: Iterable[str]) -> list[str]:
    """Each name once, in order; all of them users now."""
    unique = list(dict.fromkeys(names))
    for name in unique:
        ensure(d, name)
    return unique
