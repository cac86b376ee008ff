"""The JMessage REST API: `seeds/jmessage.md`, rows JM-01 to JM-44, below `/v1/users`, `/v1/groups` and `/v1/messages`.

The law: 2xx is always success, every error is a 4xx or 5xx with `{"error": {"code", "message"}}` (JM-42). `message` opens
with the text of the seed's table and, where there is more to say, says it after that. Answers have the seed's fields and
no others; requests may use the seed's names or those of the later SDKs.

Readings, where the seed is unclear:
* Proof: HTTP Basic, app id as appKey and `master_key` as masterSecret. No header 899007; any other scheme, what is not
  base64 of `a:b`, or a wrong secret 899008 (3001 in the example); unknown or disabled app 899009. `*_appkey` of another
  app in a message is 899009 too.
* Codes: 899011 and 899012 for the printed 800011 and 800012, which newer clients read as something else; the printed
  ones where the app has `jmessage_printed_codes` on. Rates are 429
  with 899030. 899002 is a name that no user has, 899005 one that no user can have.
* Names (JM-41): 1 to 128 bytes, as the seed's groups are of tom; checked where a user is made, and never given out again
  after a deletion (899001). Users other dialects made are named as they are. A JSON
  number serves as a name.
* JM-01: in order, each entry alone. A name twice in the list exists the second time. Not a list, an empty one, or an
  entry that is no object: 400 for the whole call, nothing done. A password that is text but not of 4 to 128 bytes is
  899004, the only cause the seed leaves for that code. Passwords are hashed as they come, an MD5 in hex too (JM-40).
  The first entry refused for the moment (899030), or 60 s, ends the work: entries after it carry 899030 as well and may
  be sent again. If nobody was registered by then, the whole call is 503.
* Profile: user attributes `nickname`, `avatar`, `birthday`, `signature`, `gender`, `region`, `address`, `star`, `extras`,
  under just these names, so that the other dialects show the same. null or "" unsets. Only they are read and shown;
  other keys are ignored, and a body with none of them is 899003. `birthday` may be a date alone; it gets 00:00:00.
* Times are of the zone +08:00. `mtime` of what was never changed is `ctime`.
* JM-06, JM-13: `start` 0 and `count` 100 (at most 500) if not given; the answer repeats both as asked, status 200.
  Groups come newest first, users in the order of their making.
* Groups are the conversations of kind group, whoever made them; any other conversation is no gid (899006). `group_desc`
  is the attribute `desc`; a group without a name shows its attribute `name` (ML-14). `members_username` leaves the
  owner out, as in the example.
* JM-10: everything is looked at before anything is done. Adding a member is 899011; removing the owner, or who is no
  member, 899010; the same name in both lists 899003. First `add`, then `remove`.
* JM-11: `flag` is 1 for the owner, else 0; `ctime` is when the member joined.
* JM-02: the sender's rights are not checked. A `user` must exist; an `admin` who does not is made by his first message,
  since the seed has no other way. The message is kept in the common form: type -1 text, -2 image, -3 voice, -4 video,
  -5 location, -6 file, 1 custom; `text`; `url` = the media_id; `attr` = `msg_type`, `msg_body` and what else was sent
  about the message, as sent. `create_time` orders nothing. `no_offline` sends to those online only and stores nothing;
  `notification` is what the offline push shows, `no_notification` goes there in its place. `version` is 1 if absent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec

from adminapi.dialect import Answer, Ask, Caller, Dialect, Rendering, Routes, json_answer
from adminapi.dialects.jmessage import groups, messages, proof, users
from adminapi.dialects.jmessage.codes import FURTHER, PRINTED, RENDERINGS, rendering_of
from adminapi.dialects.jmessage.parameters import GID, USERNAME
from adminapi.dialects.jmessage.registration import ABOUT, HashPassword, Registration
from adminapi.schemas import Schema, integer, obj, text
from protocol.apps import App
from protocol.errors import Reason, Refused


class JMessage(Dialect):
    """The dialect as `adminapi.app` mounts it. `hash_password` is passed in, as a dialect holds no thread."""

    name: ClassVar[str] = "jmessage"
    title: ClassVar[str] = "JMessage"
    roots: ClassVar[tuple[str, ...]] = ("/v1/users", "/v1/groups", "/v1/messages")
    renderings: ClassVar[Mapping[Reason, Rendering]] = RENDERINGS
    further: ClassVar[Sequence[Rendering]] = FURTHER
    parameters: ClassVar[Mapping[str, Schema]] = {"username": USERNAME, "gid": GID}
    schemes: ClassVar[Mapping[str, Schema]] = {
        "basic": {"type": "http", "scheme": "basic", "description": "The app's id, a colon, its `master_key`."}
    }
    proofs: ClassVar[Sequence[Sequence[str]]] = (("basic",),)

    def __init__(self, hash_password: HashPassword) -> None:
        self.routes = Routes()
        self.routes.add("POST", "/v1/users", about=ABOUT)(Registration(hash_password).run)
        self.routes += [*messages.routes, *users.routes, *groups.routes]

    def admit(self, ask: Ask, apps: Mapping[str, App]) -> Caller:
        return proof.admit(ask, apps)

    def envelope_error(self, ask: Ask, rendering: Rendering) -> Answer:
        body = {"error": {"code": rendering.code, "message": rendering.text}}
        answer = json_answer(body, rendering.status)
        if rendering.status == 401:
            answer = msgspec.structs.replace(answer, headers=(("WWW-Authenticate", 'Basic realm="appKey:masterSecret"'),))
        return answer

    def error_schema(self, renderings: Sequence[Rendering]) -> Schema:
        codes = sorted({line.code for line in renderings})
        return obj({"error": obj({"code": integer(among=codes), "message": text(least=1)})})

    def refusal(self, ask: Ask, refused: Refused) -> Answer:
        waiting = super().refusal(ask, refused).headers
        rendering = rendering_of(refused)
        if ask.caller is not None and ask.app.settings.jmessage_printed_codes:
            rendering = PRINTED.get(rendering.code, rendering)
        return msgspec.structs.replace(self.envelope_error(ask, rendering), headers=waiting)
