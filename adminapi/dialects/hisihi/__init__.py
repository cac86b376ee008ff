"""The hisihi school IM: `seeds/hisihi.rst`, rows HI-01 to HI-26, below `/im/` and `/v1/im/` (MUX-1, MUX-2).

The law: the document's answers to the letter; an error is `{"msg", "code", "request"}` with an HTTP status that means what
it says (`codes`), HI-17's "already a member" `{"code", "message"}`. `/im/conversations` and `/im/file` are the native
dialect's; below `/im/` nothing else is owned by anybody and is answered neutrally, `/v1/im/` is all ours.

Readings, where the seed is unclear:
* Proof (HI-24): the document has none; `proof`. `app-key` is the app's `key` or `master_key`, for signatures the master key
  only. An `Authorization` of another scheme than Bearer, which the original's clients may send, is not looked at. Errors of
  proof are 401 with 1005, an unknown app too. With `hisihi_unsigned` an app keeps the document's habit.
* A group is a conversation of kind group, whoever made it: `group_id` is its id (every form is accepted), `conversation_id`
  the same in LeanCloud's form, of a group imported from there the id it had. `group_name` is its name; `group_avatar`,
  `organization_id` and `description` are its attributes under these names (`shapes`). The admin is its owner.
* Client ids: users a call names for the first time are made, then the id is one lower-case letter and a number (1001 for
  another). Those whom other dialects made are named as they are; an id with a colon or a space is nobody's here (1000).
* `level` (HI-21): a group made here may have 1,000 members, whatever the app's `group_members` says of other groups, whose
  `level` that is; an adopted group keeps its own. Beyond it: 7000 at the creation, 7004 later.
* HI-02 to HI-04: the members are signed, and echoed, in ascending order of the text, as clients sort them and the broker
  checks them. The timestamp is whole seconds (HI-20). `conversation_id` is signed as it stands, existing or not.
* HI-05: all fields but `conversation_id` are required; `member_client_ids`, `group_avatar` and `description` may be empty.
  `member_client_ids` comes back joined with colons. `conversation_id` empty, null or 0 makes a group; one of a group adopts
  it: the attributes are merged, the admin becomes owner, the named become members; who was owner stays a member.
* HI-06: `group_name` must be there; null names the group 群聊.
* HI-07, HI-08: the group is gone for everybody at once; its id is never used again. `uid` may be the number of a `c` id.
* HI-09: up to 1,000 at once, all or nobody. Whoever is a member already is no error.
* HI-10: `?uid=` names who removes: the admin, or the removed one himself, which tells the admin only; anybody else is 1008.
  Without it the admin does it. Who is no member: 7005.
* HI-11, HI-12: oldest first, as the example; `per_page` at most 100. HI-12 has also groups of no organisation.
* HI-13: the users of an organisation are those with its number as their attribute `organization_id`, which the app's own
  server sets (`/-/api/apps/{app}/users/{user}`). `name` is the attribute `nickname`, else `name`, else the client id.
* HI-13, HI-15: no pages, so at most 2,000 groups and 5,000 users; more is 1000.
* HI-14: the number is a class, not an organisation, any that is positive; the day is that of +08:00. Nothing is sent.
* HI-15: `organization_id` is 0 where a group has none. A user nobody knows is in no group.
* HI-17: the application is kept until its user is a member or the group is gone, for the admin may be away
  (`/-/api/apps/{app}/conversations/{id}/join-requests`). Twice is no error. Beyond 1,000 open ones 7008.
* HI-26: `added_to_group`, `group_info_been_modified` and `group_been_dismissed` go to all members, `removed_from_group` as
  HI-10 says, `user_join_group_apply` to the admin; `uid` is who did it, the admin if nobody is named.
* A body that is not JSON is 1006; bodies of calls that take none are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec

from adminapi.dialect import Answer, Ask, Caller, Dialect, Rendering, Routes, json_answer
from adminapi.dialects.hisihi import classes, directory, groups, members, proof, schemas, signatures
from adminapi.dialects.hisihi.codes import FURTHER, MEMBER_ALREADY, RENDERINGS, Failed
from adminapi.schemas import Schema, integer, obj, text
from protocol.apps import App
from protocol.errors import Reason, Refused

SEGMENTS = ("signature", "group", "groups", "org", "user")
"""Below `/im/` (MUX-1)."""
DEPLOYED = "/v1"
"""Where the original was served (MUX-2)."""


class Hisihi(Dialect):
    """The dialect as `adminapi.app` mounts it. `app` is the app of calls that name none, "" for no such."""

    name: ClassVar[str] = "hisihi"
    title: ClassVar[str] = "Hisihi"
    roots: ClassVar[tuple[str, ...]] = (*(f"/im/{segment}" for segment in SEGMENTS), f"{DEPLOYED}/im")
    renderings: ClassVar[Mapping[Reason, Rendering]] = RENDERINGS
    further: ClassVar[Sequence[Rendering]] = FURTHER
    parameters: ClassVar[Mapping[str, Schema]] = {
        "app_id": text("The app's id.", least=1, example="666666"),
        "client_id": schemas.CLIENT_ID,
        "sorted_member_ids": schemas.SOME_MEMBERS,
        "conversation_id": {
            **schemas.CLIENT_ID,
            "description": "Signed as it stands.",
            "examples": schemas.CONVERSATION["examples"],
        },
        "group_id": schemas.GROUP_ID,
        "uid": schemas.UID,
        "organization_id": schemas.ORGANIZATION,
        "class_id": schemas.CLASS,
    }
    schemes: ClassVar[Mapping[str, Schema]] = {
        "id": {
            "type": "apiKey",
            "in": "header",
            "name": "app-id",
            "description": "The app's id. Signatures have it in the path; else it may be left out where the operator has "
            "set `[hisihi] app`. Enough by itself where the app has `hisihi_unsigned` on.",
        },
        "bearer": {"type": "http", "scheme": "bearer", "description": "The app's `master_key`."},
        "key": {
            "type": "apiKey",
            "in": "header",
            "name": "app-key",
            "description": "`key` or `master_key` of the app; signatures take the `master_key` only.",
        },
    }
    proofs: ClassVar[Sequence[Sequence[str]]] = (("id", "bearer"), ("id", "key"))
    not_found: ClassVar[Rendering] = Rendering(404, 1001, "There is no such endpoint.")
    bad_method: ClassVar[Rendering] = Rendering(405, 1008, "This endpoint does not take this method.")

    def __init__(self, app: str = "") -> None:
        self._app = app
        documented = [*signatures.routes, *groups.routes, *members.routes, *directory.routes, *classes.routes]
        deployed = [msgspec.structs.replace(endpoint, path=DEPLOYED + endpoint.path) for endpoint in documented]
        self.routes = Routes([*documented, *deployed])

    def admit(self, ask: Ask, apps: Mapping[str, App]) -> Caller:
        return proof.admit(ask, apps, self._app)

    def envelope_error(self, ask: Ask, rendering: Rendering) -> Answer:
        if rendering == MEMBER_ALREADY:
            return json_answer({"code": rendering.code, "message": rendering.text}, rendering.status)
        body = {"msg": rendering.text, "code": rendering.code, "request": f"{ask.method}  {ask.url_path}"}
        answer = json_answer(body, rendering.status)
        if rendering.status == 401:
            answer = msgspec.structs.replace(answer, headers=(("WWW-Authenticate", "Bearer"),))
        return answer

    def error_schema(self, renderings: Sequence[Rendering]) -> Schema:
        codes = sorted({line.code for line in renderings})
        request = text("The method, two spaces, the path.", pattern="^[A-Z]+  /")
        return obj({"msg": text(least=1), "code": integer(among=codes), "request": request})

    def refusal(self, ask: Ask, refused: Refused) -> Answer:
        if isinstance(refused, Failed):
            line = refused.line
            return self.envelope_error(ask, Rendering(line.status, line.code, refused.detail))
        return super().refusal(ask, refused)
