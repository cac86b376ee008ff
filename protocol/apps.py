"""An app: one tenant, its keys and its settings, as the broker owns it and adminapi mirrors it (DESIGN 5).

Everything is closed by default; each looser habit of a seed document is a switch here that an app turns on by name. What
a field may hold is part of its type, so the settings file, `parley app add` and the control channel refuse the same.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

LoginRule = Literal["", "device", "tag", "none", "platform", "user"]

AppId = Annotated[
    str,
    Meta(
        pattern=r"\A[A-Za-z0-9_][A-Za-z0-9._-]{0,63}\Z",
        description="1 to 64 letters, digits, '.', '_' or '-', the first a letter, a digit or '_'",
    ),
]
"""It stands in paths, in names of metrics and in log lines, so it needs no quoting in any of them."""
AppKey = Annotated[
    str,
    Meta(
        pattern=r"\A[!-~]{1,512}\Z",
        description="a text of 1 to 512 printable ASCII characters without spaces",
    ),
]
"""It travels in HTTP headers, which carry nothing else unharmed."""
PerMinute = Annotated[int, Meta(ge=0, le=1_000_000)]
PerSecond = Annotated[int, Meta(ge=0, le=1_000_000)]
Days = Annotated[int, Meta(ge=0, le=36_500)]
"""A hundred years at most; 0 keeps for ever."""


class AppSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an app may set. Defaults are the closed, limited form; 0 switches a rate or a retention off.

    A name it does not know is a newer program's (`protocol.wires.control`); in a settings file it is refused by
    `protocol.settings`."""

    multi_login: LoginRule = ""
    """Which other session of the user a login ends: the one with the same `device`, `tag` or `platform`, any (`user`), or
    none (`none`). Empty: each wire keeps its own rule of who is kicked; set, it binds all wires of the app (DESIGN 3)."""
    token_required: bool = True
    """A socket login needs a token, a password or a session token, not only a name."""
    create_users: bool = True
    """A login by an unknown name creates the user (ZD-03)."""
    open_groups: bool = False
    """Anyone of the app may join a group by its id; rooms are always open."""
    members_invite: bool = False
    """Any member of a group may add others and change its name and attributes, as LeanCloud's apps expect; else managers
    and the owner."""
    open_query: bool = False
    """LeanCloud's sockets find every conversation, as its apps expect; else their own and the rooms."""
    history_from_join: bool = False
    """Members see only what was said since they joined."""
    bare_app_id: bool = False
    """The native dialect accepts `app-id` without key or token, as its original did (ZD-41)."""
    jmessage_printed_codes: bool = False
    """Two errors of JMessage carry the numbers its document prints, 800011 and 800012, which newer clients of that vendor
    read as something else (JM-31, JM-32)."""
    leancloud_app_key: bool = False
    """The LeanCloud dialect accepts the app's key where it wants the master key, as the seed's examples do (LC-27). That
    key stands in released apps for anyone to read."""
    leancloud_result: bool = False
    """Lists of members and of mutes come as `{"result": [...]}`, as the vendor's later clients read them (LC-06, LC-09)."""
    leancloud_signatures: bool = False
    """LeanCloud's sockets show a signature of the app's server to log in, and to make, join, leave or change the members of
    a conversation. Off, only a login needs one, and only where `token_required` is on."""
    sign_window_seconds: Annotated[int, Meta(ge=0, le=31_536_000)] = 900
    """How far the time of a signed request may be from ours (ML-45, LC-27): until then it can be replayed. 0: any."""
    hisihi_unsigned: bool = False
    """The hisihi dialect asks for no proof, as its document does (HI-24): whoever reaches the port manages this app's
    groups, and gets signatures by which he logs in as anyone."""
    sends_per_minute: PerMinute = 60
    """Messages a user may send in a minute, on all connections together (LC-29). 0: no limit."""
    history_per_minute: PerMinute = 120
    """Reads of history a user may make in a minute (LC-29). 0: no limit."""
    others_per_minute: PerMinute = 30
    """Other calls a user may make in a minute (LC-29). 0: no limit."""
    calls_per_minute: PerMinute = 0
    """Management calls of the app in a minute, over all dialects; beyond it they get their dialect's 429. A service that
    many share gives 1800 (LC-29); a host of one's own serves its back office as fast as it can. 0: no limit."""
    frames_per_second: PerSecond = 200
    """Frames one connection may send in a second. Far above what a person causes: it stops loops, not users. 0: no limit."""
    sessions_per_user: Annotated[int, Meta(ge=1, le=10_000)] = 16
    """Sessions a user may have at once, over all wires; for one more the oldest gives way."""
    text_bytes: Annotated[int, Meta(ge=1, le=16 * 1_048_576)] = 5120
    """Bytes of UTF-8 in the text of one message, at most (LC-10)."""
    temporary_members: Annotated[int, Meta(ge=2, le=1_000_000)] = 10
    """Members of a temporary conversation, at most."""
    group_members: Annotated[int, Meta(ge=2, le=1_000_000)] = 500
    """Members of a group, at most."""
    room_members: Annotated[int, Meta(ge=2, le=1_000_000)] = 20_000
    """Members of a room, at most: each message goes to all of them."""
    temporary_days: Days = 3
    """A temporary conversation silent for so many days is deleted. 0 keeps them all."""
    message_days: Days = 0
    """How many days messages are kept; 0 keeps them all."""
    file_days: Days = 0
    """How many days uploaded files are kept; 0 keeps them all."""
    file_bytes: Annotated[int, Meta(ge=1, le=10 * 1024 * 1_048_576)] = 20 * 1024 * 1024
    """Bytes of one upload, at most (ML-44)."""
    requests_per_second: PerSecond = 0
    """Requests of all the app's sockets together in a second, those apart that count against nothing (pings,
    acknowledgements). Where apps share a host, 5000 is about half of what the broker does on one core, so that none takes it
    from the others. 0: no limit."""


KeyKind = Literal["key", "master_key", "secret"]
EARLIER_MOST = 4
"""Sets of keys that are valid at once beside the current one."""


class EarlierKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys an app had before they were changed, good until `until_ms` (Unix)."""

    key: AppKey
    master_key: AppKey
    secret: AppKey
    until_ms: int


class App(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant. `rev` grows with every change, so a command can say under which version it was admitted."""

    id: AppId
    """The app's name, unique in this installation: what clients send as app id or app key."""
    key: AppKey
    """Given to the app's own servers: proves a caller in the dialects that know one key."""
    master_key: AppKey
    """Opens every management call of this app, and `/-/api`."""
    secret: AppKey
    """Signs and proves the tokens of the app's users (HS256); 32 random characters or more."""
    settings: AppSettings = AppSettings()
    rev: int = 1
    disabled: bool = False
    earlier: Annotated[tuple[EarlierKeys, ...], Meta(max_length=EARLIER_MOST)] = ()
    """Keys that were changed with an overlap (`parley app rotate`), the newest first. They prove and open what the current
    ones do until their time is over; nothing is signed with them any more."""

    fixed: bool = False
    """It stands in the settings file, and changes there alone. The broker says so where it shows its apps."""

    def keys(self, now_ms: int, *kinds: KeyKind) -> tuple[str, ...]:
        """All keys of these kinds that are good now, the current ones first."""
        current = tuple([getattr(self, kind) for kind in kinds])
        if not self.earlier:
            return current
        earlier = [getattr(old, kind) for old in self.earlier if now_ms < old.until_ms for kind in kinds]
        return (*current, *earlier)
