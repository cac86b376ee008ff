"""The table of handlers. Importing the modules fills it; a test fails while a command of the protocol has no entry."""

from __future__ import annotations

from broker.hub import conversations, directs, housekeeping, login, members, messages, patches, positions, sync, users
from broker.hub.hub import HANDLERS, SCANS

__all__ = [
    "HANDLERS", "SCANS", "conversations", "directs", "housekeeping", "login", "members", "messages", "patches", "positions",
    "sync", "users",
]  # fmt: skip
