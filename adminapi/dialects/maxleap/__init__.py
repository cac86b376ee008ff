"""The MaxLeap IM REST API: `seeds/maxleap.md`, rows ML-01 to ML-52, below `/ctx`, `/groups`, `/rooms`, `/passengers`,
`/system` and `/attachment` (MUX-1, MUX-3).

The law: answers are bare JSON values, a bare string or array among them, and empty where nothing is to be said (201, 202,
204); errors are `{"errorCode": int, "errorMessage": text}` with the status of `codes`. The seed prints one answer; the
others are those of the vendor's later document, in which the seed's requests all still work.

Readings, where the seed is unclear:
* Proof (ML-45, ML-46): `X-ML-APIKey`, or `X-ML-Request-Sign` made with it, of the app's key or master key; sent both,
  both must hold. A sign has no nonce and can be replayed, so it is good for the app's `sign_window_seconds` around
  its time (0: any, for the vendor's version 3 client, which makes one a connection). `X-Parrot-Version` says nothing.
* Codes (ML-48): statuses as the checklist has them, but what may succeed later is 503 with `Retry-After`, not 500, and so
  is never taken for a fault; a picture that is broken is its sender's, 400 with 5007. 5002 stands for all that is the
  server's own. No such path is 404 with 5004, another method 405 with 5009.
* Users (ML-01): they exist once they have logged in, were given attributes or became somebody's friend here. Groups,
  rooms and system messages take users who exist, else 5004; visitors are users there, and may be friends. New ids
  have the seed's alphabet; ids of other dialects are shown and accepted as they are. A deleted id is 5005 where it
  would be made again.
* ML-01: `installs` are those of the current sessions; `attributes` is absent if there are none.
* Attributes: POST merges and null removes one; PUT replaces all, and null is nothing there either. So none is ever null.
* The attribute `name` of a group or room **is** its name: one value, set at the top level of ML-14 and ML-28 or as an
  attribute (which may be given in `attributes` there, as later clients do), read by ML-22 and by the other dialects.
  It is text of at most 256 characters. A conversation without a name shows an attribute `name` that another dialect
  has given it.
* ML-08: `id` is made of the app and the two names, so it is the same from both sides, and again after a friendship was
  ended and begun anew. `from` is the user of the path. `ts` is since when.
* ML-10, ML-26, ML-41: `ts` is exclusive, so that the `ts` of the oldest row asks for what came before it; a page may
  have more rows than asked for, if they are of its oldest millisecond. What was recalled or deleted is left out.
  Friends' chats are what the two have said to each other, whether or not they are friends still. How long history is
  kept is the app's `message_days`.
* ML-11, ML-12: `recent` is as a row of the chats, and absent if the last message was taken back. `members` leaves the
  owner out, as in the samples. `ts` of groups and rooms is when they were made, of users in a search when they last
  changed. Groups are conversations of kind group and rooms of kind room, whoever made them; any other is not found here.
* ML-15, ML-29: a filter is an equal attribute; as a query has only text, `5` finds 5 and "5". `_limit` is 20 if
  absent, as of chats. `limit`, `size`, `skip` and `sort` are the same words of the JS guide, so they filter nothing.
  `_sort` takes up to 3 attributes, or `ts`. Newest first if absent.
* ML-17: `owner`, `members` (all of them, the owner apart) and `name`, at least one, all or nothing.
* ML-24, ML-37: all or nobody. ML-25, ML-38: who is no member is no error; with the owner among them nobody is removed.
* ML-28: a room has no owner, so a room of this API is changed by this API only.
* ML-39: 201, POST merges as everywhere. An id that is a user's is 5005, and ML-40 does not show users, nor ML-01
  visitors.
* ML-42, ML-43: `media` is 0 if absent; the reserved numbers are 5009. A `remark` goes with the content. `push` is checked
  and goes nowhere yet; `ts` is accepted, the message's time is the server's.
* ML-44: a thumbnail where a picture of at most 32 million pixels is JPEG, PNG, GIF, WebP or BMP; no other file has one.
  Both are kept for the app's `file_days`; the size allowed is its `file_bytes`.
* ML-52: all of it. Strangers are users in a direct conversation with the user who are neither friends nor visitors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec

from adminapi.dialect import Answer, Ask, Caller, Dialect, Rendering, Routes, json_answer
from adminapi.dialects.maxleap import attachment, friends, groups, passengers, proof, rooms, schemas, system, users
from adminapi.dialects.maxleap.codes import BAD_METHOD, FURTHER, NOT_FOUND, RENDERINGS, rendering_of
from adminapi.schemas import Schema, integer, obj, text
from protocol.apps import App
from protocol.errors import Reason, Refused


class MaxLeap(Dialect):
    """The dialect as `adminapi.app` mounts it."""

    name: ClassVar[str] = "maxleap"
    title: ClassVar[str] = "MaxLeap"
    roots: ClassVar[tuple[str, ...]] = ("/ctx", "/groups", "/rooms", "/passengers", "/system", "/attachment")
    routes = Routes(
        [
            *users.routes,
            *friends.routes,
            *groups.routes,
            *rooms.routes,
            *passengers.routes,
            *system.routes,
            *attachment.routes,
        ]
    )
    renderings: ClassVar[Mapping[Reason, Rendering]] = RENDERINGS
    further: ClassVar[Sequence[Rendering]] = FURTHER
    not_found: ClassVar[Rendering] = NOT_FOUND
    bad_method: ClassVar[Rendering] = BAD_METHOD
    parameters: ClassVar[Mapping[str, Schema]] = schemas.PARAMETERS
    schemes: ClassVar[Mapping[str, Schema]] = {
        "id": {"type": "apiKey", "in": "header", "name": "X-ML-AppId", "description": "The app's id."},
        "key": {
            "type": "apiKey",
            "in": "header",
            "name": "X-ML-APIKey",
            "description": "The app's `key` or `master_key`.",
        },
        "sign": {
            "type": "apiKey",
            "in": "header",
            "name": "X-ML-Request-Sign",
            "description": "`md5(timestamp + key),timestamp` with either key: hex, and Unix milliseconds.",
        },
    }
    proofs: ClassVar[Sequence[Sequence[str]]] = (("id", "key"), ("id", "sign"))

    def admit(self, ask: Ask, apps: Mapping[str, App]) -> Caller:
        return proof.admit(ask, apps)

    def envelope_error(self, ask: Ask, rendering: Rendering) -> Answer:
        return json_answer({"errorCode": rendering.code, "errorMessage": rendering.text}, rendering.status)

    def error_schema(self, renderings: Sequence[Rendering]) -> Schema:
        codes = sorted({line.code for line in renderings})
        return obj({"errorCode": integer(among=codes), "errorMessage": text(least=1)})

    def refusal(self, ask: Ask, refused: Refused) -> Answer:
        waiting = super().refusal(ask, refused).headers
        upload = ask.url_path.rstrip("/") == attachment.PATH
        return msgspec.structs.replace(self.envelope_error(ask, rendering_of(refused, upload)), headers=waiting)
