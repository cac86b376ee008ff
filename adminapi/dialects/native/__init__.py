"""The native REST API: the small socket IM of `seeds/native.md`, rows ZD-01 to ZD-46, below `/im/` (MUX-1).

The law: the answer is always HTTP 200 with `{"code", "message", "data", "request-id"}`; the code carries the result and
is the same number the native socket gives (`protocol.wires.native.codes`). What the seed prints is kept to the letter.

Readings, where the seed is unclear:
* Proof (ZD-41): `app-key` (`key` or `master_key`) or a Bearer token. A wrong key or token is 4004, none at all is 4002
  as any missing header. Beside a key a token still narrows. Bare `app-id` only where the app has `bare_app_id`.
* Two different app ids in two headers, or in header and token, are refused (MUX-14): 4002, 4004.
* Tokens (ZD-42): `unique_name` acts as that user with a member's rights. `act` + `aud` allows that act for that user,
  its `members` being the md5 of the list in the request (`to_client_ids` of a creation, without the creator, as in the
  sample); an act without a list, or a token without `members`, goes with the empty list. A token of neither kind is the
  back office's. A session token, as a login on the socket answers it, allows its user `file.upload` while that session is
  there: so a page sends a file without holding a key. Acts are named as the socket's request types, and `file.upload`,
  `conv.members.remove`.
* ZD-01: some of the users failed: an error that names them; those added stay added and adding again is no error.
* ZD-04: `conv_extend` comes back as stored, null if empty. `conv_type` may be digits in quotes.
* ZD-04, ZD-06: text under `name` of `conv_extend` is the conversation's name, which the other APIs see and change, at most
  256 characters; an update without it takes the name away, as it replaces the whole extension.
* ZD-05: `per_page` is an int. `size` is at most 100. An empty `where` list finds all; the `where` of ZD-06 may not be
  empty. ZD-06 replaces the extension; no conversation found is 4011.
* ZD-06 with a user's token takes `where` of one `conv_id`, since a user has no right to a search that writes.
* ZD-09: `no_sync` as printed, "0 do not sync, 1 sync"; absent is sync, as on the socket. `attr` is any JSON.
* ZD-11: any file is taken; an empty one, or a body that is not multipart, is 4601.
* No such path or method below our two roots: code 1, "parameter error not otherwise listed" (ZD-31).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from adminapi.dialect import Answer, Ask, Caller, Dialect, Rendering, json_answer
from adminapi.dialects.native import proof
from adminapi.dialects.native.endpoints import routes
from adminapi.dialects.native.schemas import HEX32, REQUEST_ID
from adminapi.schemas import Schema, constant, integer, obj, text
from protocol.apps import App
from protocol.errors import Reason
from protocol.wires.native.codes import CODES, INTERNAL_TEXT


class Native(Dialect):
    """The dialect as `adminapi.app` mounts it."""

    name: ClassVar[str] = "native"
    title: ClassVar[str] = "Native"
    roots: ClassVar[tuple[str, ...]] = ("/im/conversations", "/im/file")
    routes = routes
    renderings: ClassVar[Mapping[Reason, Rendering]] = {
        reason: Rendering(200, code, INTERNAL_TEXT if reason is Reason.INTERNAL else "") for reason, code in CODES.items()
    }
    not_found: ClassVar[Rendering] = Rendering(200, 1, "There is no such endpoint.")
    bad_method: ClassVar[Rendering] = Rendering(200, 1, "This endpoint does not take this method.")

    parameters: ClassVar[Mapping[str, Schema]] = {"conv_id": HEX32}
    headers: ClassVar[Mapping[str, Schema]] = {"Request-Id": text("Repeated in the answer as `request-id`.")}
    schemes: ClassVar[Mapping[str, Schema]] = {
        "id": {
            "type": "apiKey",
            "in": "header",
            "name": "app-id",
            "description": "The app's id; `IM-APP-ID` too. Enough by itself where the app has `bare_app_id` on.",
        },
        "key": {"type": "apiKey", "in": "header", "name": "app-key", "description": "`key` or `master_key` of the app."},
        "token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "HS256 with the app's `secret`; acts as the user it names, or does the one act it names. "
            "A session token of the socket uploads files.",
        },
    }
    proofs: ClassVar[Sequence[Sequence[str]]] = (("id", "key"), ("id", "token"), ("id", "key", "token"))

    def admit(self, ask: Ask, apps: Mapping[str, App]) -> Caller:
        return proof.admit(ask, apps)

    def envelope_error(self, ask: Ask, rendering: Rendering) -> Answer:
        request_id = ask.headers.get("request-id")
        body = {"code": rendering.code, "message": rendering.text, "data": None, "request-id": request_id}
        return json_answer(body, rendering.status)

    def answer_schema(self, answer: Schema) -> Schema:
        return obj({"code": constant(0), "message": constant("ok"), "data": answer, "request-id": REQUEST_ID})

    def error_schema(self, renderings: Sequence[Rendering]) -> Schema:
        codes = sorted({line.code for line in renderings})
        fields = {"code": integer(among=codes), "message": text(least=1), "data": constant(None), "request-id": REQUEST_ID}
        return obj(fields)
