"""The table of handlers. Importing the modules fills it; a test fails while a command of the protocol has no entry."""

from __future__ import annotations

from broker.hub import (
    announcing,
    classes,
    conversations,
    directs,
    history,
    housekeeping,
    imports,
    lists,
    login,
    members,
    messages,
    missed,
    patches,
    positions,
    requests,
    silence,
    sync,
    unheard,
    users,
)
from broker.hub.hub import HANDLERS, SCANS

__all__ = [
    "HANDLERS", "SCANS", "announcing", "classes", "conversations", "directs", "history", "housekeeping", "imports", "lists",
    "login", "members", "messages", "missed", "patches", "positions", "requests", "silence", "sync", "unheard", "users",
]  # fmt: skip
