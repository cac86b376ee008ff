"""The LeanCloud realtime REST API, version 1.2: rows LC-01 to LC-30, below `/1.2/rtm` (MUX-1); and what the vendor's SDKs
call besides, the router at `/v1/route` and `/2/route` and calls of version 1.1.

The law: bare JSON answers with status 200, as the seed `seeds/leancloud.md` prints them; errors are
`{"code": int, "error": text}` with the status that fits (`codes`). Where the vendor's later document says otherwise, the
seed stands, and the later spelling is taken as well wherever the two can be told apart.

Readings, where the seed is unclear:
* Proof (LC-27): the master key, plain or with `,master`, or a sign made with it. The seed's app key is enough only where
  the app has `leancloud_app_key` on. A sign can be replayed, so it is good for the app's `sign_window_seconds` around its
  time. No app: 4100.
* LC-01 names no creator, so the conversation has none and no owner: it is the back office's. `c`, one of `m`, makes him
  creator and owner. It is always a group (a room with `tr`, a system conversation with `sys`), also of two: members may
  be added to any LeanCloud conversation, which a direct one does not allow. `unique` finds the group of the same members.
* LeanCloud knows no registration: users that `m`, `client_ids` of LC-04 or `from_client` name are made.
* Custom attributes are all fields that are not built in (LC-28), kept as the conversation's attributes under their own
  names, `attr` too; so `conv_extend` of the native dialect shows them all. An update takes `a.b` for the `b` in `a`, and
  `__op` Increment, Add, AddUnique, Remove and Delete, as a creation does; all others are refused.
* LC-02: `m`, and what is settled at the creation or kept by the server, is refused, not ignored. null removes a custom
  attribute.
* LC-04, LC-05: all or nobody. LC-05: those who are no members are no error; the owner among them is 4403.
* LC-04, LC-05: `updatedAt` is the time of the call; members do not move the conversation's own time.
* LC-06, LC-09: bare arrays, as the seed; `{"result": [...]}` where the app has `leancloud_result` on.
* LC-01 answers the whole object, as the later document, the seed's two fields first; but `uniqueId`, which is not kept.
  LC-13 answers the seed's `{"result": {}}`, in which the later `{}` finds all it looks for.
* LC-07: `ttl` is required, 1 to 86,400: 0 would silence for ever. `client_ids` is the later "do not notify" (`mutes`). Only
  members can be silenced, and need not be notified: 4317.
* LC-10: the sender need be no member; his ban or silence does not count. `message` may be empty; the 5 KB are the app's
  `text_bytes`. `push_data` text that is no JSON object stays text; at most 4 KB.
* LC-11 to LC-13: `from_client` must be the author (4403), the time that of the id (4404). What was recalled, deleted or
  transient is not found. LC-13: `client_id` serves as `from_client`.
* LC-30 serves what the vendor's last document of 1.2 has, but the conversations a client himself puts on a list, and the
  deletion of a message for one subscriber; and of 1.1 what its own document had (`old`), but the edit of stored messages.
  Conversations are found newest first. A history leaves deleted messages out; `client_id` and signature are not asked for,
  as the master key is here. A user who is not there is a user who is offline.
* What an app key alone may ask, since it stands in released apps: the router and the time, which ask for no proof at all;
  with `X-LC-IM-Session-Token` of a session that is open, `notifications` and, as that user, `_ConversationMemberInfo`;
  `/1.1/rtm/sign` and `/1.2/rtm/clients/sign`, as the user whose token is shown. All else is a back office's,
  `_Conversation` and messages too: the master key, or the app key where the app has `leancloud_app_key` on.
* `notifications` has what a client missed of joining, leaving and changes; `missed` of the hub says how much is kept.
* `/1.1/rtm/sign`: there are no accounts of the vendor's storage here, so `session_token` is the token (HS256) the app's own
  server made for the user. The signature has the token's `iat` for its time, so whatever withdraws the token withdraws it
  too; a token older than the 6 hours of a signature is refused: 4112.
* `/1.1/classes/_Conversation`: of `__op` on `m` there are Add, AddUnique and Remove. A list for `m` replaces the members,
  the owner stays. Changes with a condition (`where`) are refused.
* Service conversations (`sys`) are open: any client may subscribe himself, know of them and their name, and hear what is
  broadcast. The back office alone speaks there (a client's own message is refused), and subscribers are told to it alone.
* What a service conversation says to clients by name (`to_clients`, `to_peers`) goes to those who are online, as a
  transient message whatever `transient` says, and is kept nowhere: a conversation has one history, and in it the others
  would read it. So it is in no history and cannot be edited or taken back. For what must not be lost there are
  conversations of two. What all subscribers are told is kept once, so it cannot be deleted for one of them.
* A broadcast is a message of its service conversation (`conv_id`, 4303 for any other) for every client: those who are online
  get it, native sockets too; the others find it in the history. Edits and recalls are told to all. `valid_till` is of no
  effect, `push` is the push hook's.
* Messages of many conversations (`/1.2/rtm/messages`, `/1.2/rtm/clients/{id}/messages`, the history of 1.1 without
  `convid`): see `archive`; a client's are those of the conversations he is in.
* `transient` of `/1.1/rtm/messages` is false if it is not said, as everywhere here.
* `/1.2/rtm/stats` has no `user_count_today`: who was online is not kept.
* Unread counts are those of the sockets; chatrooms are rooms, and their paths take any conversation.
* MUX-11: `fields`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from adminapi.dialect import Answer, Ask, Caller, Dialect, Rendering, Routes, json_answer
from adminapi.dialects.leancloud import (
    archive,
    batch,
    broadcasts,
    chatrooms,
    classes,
    clients,
    conversations,
    history,
    messages,
    mutes,
    old,
    proof,
    queries,
    restrictions,
    schemas,
    services,
)
from adminapi.dialects.leancloud.codes import RENDERINGS
from adminapi.dialects.leancloud.router import PATHS, Router
from adminapi.schemas import Schema, integer, obj, text
from protocol.apps import App
from protocol.errors import Reason
from protocol.sockets import Sockets

PARTS = (
    conversations,
    mutes,
    messages,
    restrictions,
    queries,
    old,
    history,
    chatrooms,
    services,
    broadcasts,
    archive,
    classes,
    batch,
    clients,
)


class LeanCloud(Dialect):
    """The dialect as `adminapi.app` mounts it."""

    name: ClassVar[str] = "leancloud"
    title: ClassVar[str] = "LeanCloud"
    roots: ClassVar[tuple[str, ...]] = ("/1.2", "/1.1", *PATHS)
    renderings: ClassVar[Mapping[Reason, Rendering]] = RENDERINGS
    parameters: ClassVar[Mapping[str, Schema]] = {
        "conv_id": schemas.OBJECT_ID,
        "mid": schemas.MESSAGE_ID,
        "client_id": schemas.USER,
    }
    schemes: ClassVar[Mapping[str, Schema]] = {
        "id": {"type": "apiKey", "in": "header", "name": "X-LC-Id", "description": "The app's id."},
        "key": {
            "type": "apiKey",
            "in": "header",
            "name": "X-LC-Key",
            "description": "The app's `master_key`, with `,master` behind it or without. Where the app has "
            "`leancloud_app_key` on, its `key` too.",
        },
        "sign": {
            "type": "apiKey",
            "in": "header",
            "name": "X-LC-Sign",
            "description": "`md5(timestamp + master_key),timestamp,master`: hex, and Unix milliseconds.",
        },
    }
    proofs: ClassVar[Sequence[Sequence[str]]] = (("id", "key"), ("id", "sign"))

    def __init__(self, sockets: Sockets = Sockets()) -> None:  # noqa: B008  # it never changes
        """`sockets`: what the router says."""
        self.routes = Routes([endpoint for part in PARTS for endpoint in part.routes])
        self.routes += Router(sockets).routes

    def admit(self, ask: Ask, apps: Mapping[str, App]) -> Caller:
        return proof.admit(ask, apps)

    def envelope_error(self, ask: Ask, rendering: Rendering) -> Answer:
        return json_answer({"code": rendering.code, "error": rendering.text}, rendering.status)

    def error_schema(self, renderings: Sequence[Rendering]) -> Schema:
        return obj({"code": integer(among=sorted({line.code for line in renderings})), "error": text(least=1)})
