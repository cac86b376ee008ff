"""An app: one tenant, its keys and its settings, as the broker owns it and adminapi mirrors it (DESIGN 5).

Everything is closed by default; each looser habit of a seed document is a switch here that an app turns on by name.
"""

from __future__ import annotations

from typing import Literal

import msgspec

LoginRule = Literal["", "device", "tag", "none", "platform", "user"]


class AppSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an app may set. Defaults are the closed, limited form; 0 switches a rate or a retention off."""

    multi_login: LoginRule = ""
    """Empty: each wire keeps its own rule of who is kicked; set, it binds all wires of the app (DESIGN 3)."""
    token_required: bool = True
    """A socket login needs a token, a password or a session token, not only a name."""
    create_users: bool = True
    """A login by an unknown name creates the user (ZD-03)."""
    open_groups: bool = False
    """Anyone of the app may join a group by its id; rooms are always open."""
    history_from_join: bool = False
    """Members see only what was said since they joined."""
    bare_app_id: bool = False
    """The native dialect accepts `app-id` without key or token, as its original did (ZD-41)."""
    sends_per_minute: int = 60
    history_per_minute: int = 120
    others_per_minute: int = 30
    """Per user; defaults after LC-29."""
    frames_per_second: int = 200
    """Per connection."""
    text_bytes: int = 5120
    """Largest text of one message (LC-10)."""
    temporary_members: int = 10
    group_members: int = 500
    room_members: int = 20_000
    temporary_days: int = 3
    """A temporary conversation silent for so long is deleted."""
    message_days: int = 0
    """How long messages are kept; 0 keeps them all."""
    file_days: int = 0
    """How long uploaded files are kept; 0 keeps them all."""
    file_bytes: int = 20 * 1024 * 1024
    """Largest upload (ML-44)."""


class App(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant. `rev` grows with every change, so a command can say under which version it was admitted."""

    id: str
    key: str
    master_key: str
    secret: str
    settings: AppSettings = AppSettings()
    rev: int = 1
    disabled: bool = False
