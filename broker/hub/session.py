"""A session: one login on one connection, and the slot it holds against a second one (DESIGN 3)."""

from __future__ import annotations

from protocol.commands import SendMessage
from protocol.pushes import PresenceChange
from protocol.records import SessionInfo

Slot = tuple[str, ...]


class Session:
    """Live, not durable. `id` is the gateway's 64 random bits for the connection."""

    __slots__ = (
        "device",
        "id",
        "install",
        "issued_ms",
        "newest",
        "platform",
        "presence_at_ms",
        "presence_due",
        "replaced",
        "since_ms",
        "slot",
        "subscriptions",
        "sync_tokens",
        "synced_at_ms",
        "tag",
        "user",
        "will",
        "wire",
    )

    def __init__(
        self,
        id: int,
        user: str,
        slot: Slot,
        since_ms: int,
        *,
        device: str = "",
        platform: str = "",
        tag: str = "",
        install: str = "",
        wire: str = "native",
        issued_ms: int = 0,
        newest: int = 0,
        replaced: bool = False,
    ) -> None:
        self.id = id
        self.user = user
        self.slot = slot
        self.since_ms = since_ms
        self.device = device
        self.platform = platform
        self.tag = tag
        self.install = install
        self.wire = wire
        self.issued_ms = issued_ms
        """When its newest session token was made, by the wall."""
        self.newest = newest
        """The newest id there was when it began: of what was said later it hears as it is said."""
        self.replaced = replaced
        """Its login has ended another session."""
        self.subscriptions: set[str] | None = None
        self.presence_due: dict[str, PresenceChange] | None = None
        """Changes this session has yet to hear, newest a user."""
        self.presence_at_ms = 0
        self.synced_at_ms = 0
        self.sync_tokens = 0.0
        self.will: SendMessage | None = None
        """What its user wants said if it is lost."""

    def info(self, app: str) -> SessionInfo:
        return SessionInfo(
            session=f"{self.id:016x}",
            app=app,
            user=self.user,
            device=self.device,
            platform=self.platform,
            tag=self.tag,
            wire=self.wire,
            since_ms=self.since_ms,
            install=self.install,
        )


LEANCLOUD = "leancloud"
WIRE_RULES = {"native": "device", LEANCLOUD: "tag", "maxleap": "none", "jmessage": "platform"}
"""Whose default each rule is."""


def slot_of(rule: str, session: int, user: str, device: str, tag: str, platform: str) -> Slot:
    """The place of which there is one. Slots of different rules never meet; no rule, or no tag, is a place of its own."""
    if rule == "device":
        return ("device", user, device)
    if rule == "tag" and tag and tag != "default":
        return ("tag", user, tag)
    if rule == "platform":
        return ("platform", user, platform or "other")
    if rule == "user":
        return ("user", user)
    return ("none", user, str(session))
