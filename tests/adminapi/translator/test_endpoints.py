"""What the translator's page asks, over the fake broker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adminapi.dialect import Dialect
from adminapi.dialects.hisihi import Hisihi
from adminapi.dialects.jmessage import JMessage
from adminapi.dialects.leancloud import LeanCloud
from adminapi.dialects.native import Native
from adminapi.dialects.parley import Parley
from adminapi.metrics import Metrics
from adminapi.passwords import Passwords
from adminapi.repeats.calls import Repeats
from adminapi.translator.endpoints import with_translator
from protocol.commands import AddApp, AddMembers, AppTable, DeleteUser, Done, GetUser, Managed, MembersChanged, UserFound
from protocol.errors import Reason, Refused
from protocol.ids import IdForms
from protocol.records import UserInfo
from tests.adminapi.conftest import APP, OPERATOR, Served, desk
from tests.adminapi.dialects.parley.conftest import SignIn, sign_in  # noqa: F401

NUMBER = 1_234_567_890_123
GROUP = IdForms(APP.id).hex32(NUMBER)
MEMBERS = f'h/im/conversations/{GROUP}/members -d \'{{"client_ids":["Tom"]}}\''
LINE = f"curl -H 'app-id: {APP.id}' -H 'app-key: typed-key' {MEMBERS}"
GET = f"curl -u {APP.id}:x h/v1/users/tom"
DELETE = f"curl -X DELETE -u {APP.id}:x h/v1/users/tom"
RUN = f"/-/api/apps/{APP.id}/run"


@pytest.fixture
def dialects(folder: Path, metrics: Metrics, repeats: Repeats) -> list[Dialect]:
    found = [Native(), JMessage(Passwords().hash), LeanCloud(), Hisihi(), Parley(desk(folder, metrics, repeats=repeats))]
    return list(with_translator(found, repeats))


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_anybody_may_translate_and_nothing_is_done(served: Served) -> None:
    answer = await served.client.post("/-/api/translate", json={"line": LINE})
    assert answer.status_code == 200
    found = answer.json()
    assert (found["dialect"], found["endpoint"], found["app"]) == (
        "native",
        "POST /im/conversations/{conv_id}/members",
        APP.id,
    )
    assert found["operation"] == "native_post_im_conversations_conv_id_members"
    assert found["changes"] is True
    (command,) = found["commands"]
    assert (command["command"], command["text"]) == ("AddMembers", "Add members to a conversation")
    assert {"field": "users", "name": "users", "value": ["Tom"]} in command["fields"]
    assert [(each["name"], each["given"]) for each in found["proofs"][0]] == [
        ("app-id", True),
        ("app-key", True),
    ]
    assert [each["dialect"] for each in found["others"]] == ["jmessage", "leancloud", "hisihi", "maxleap", "parley"]
    assert f"{served.client.base_url}/v1/groups/{NUMBER}/members" in found["others"][0]["lines"][0]["curl"]
    assert "typed-key" not in answer.text
    assert not served.broker.heard


async def test_sentences_are_in_the_language_that_is_asked_for(served: Served) -> None:
    chinese = {"accept-language": "zh-CN,zh;q=0.9"}
    found = (await served.client.post("/-/api/translate", json={"line": LINE}, headers=chinese)).json()
    assert found["commands"][0]["text"] == "向会话添加成员"
    wrong = await served.client.post("/-/api/translate", json={"line": "wget x"}, headers=chinese)
    assert wrong.json()["error"]["message"] == "这不是 curl 命令：开头是 'wget'，而不是 curl。"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"line": "wget x"}, 400, "This is no curl line"),
        ({"line": "curl h/nowhere"}, 400, "No dialect has a path /nowhere."),
        ({}, 400, "line is missing"),
        ({"line": 5}, 400, "line is missing"),
        ([], 400, "The body must be a JSON object."),
    ],
)
async def test_what_is_no_line_is_told(served: Served, body: object, status: int, words: str) -> None:
    answer = await served.client.post("/-/api/translate", json=body)
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]


async def test_a_call_its_dialect_refuses_is_told_and_one_without_a_command_too(served: Served) -> None:
    refused = (await served.client.post("/-/api/translate", json={"line": LINE.replace("client_ids", "x")})).json()
    assert refused["refused"] == "client_ids is missing."
    assert refused["commands"] == []
    bare = (await served.client.post("/-/api/translate", json={"line": "curl h/1.1/date"})).json()
    assert (bare["refused"], bare["note"], bare["proofs"]) == (
        None,
        "It is answered without the broker: no command comes of it.",
        [],
    )
    unknown = (await served.client.post("/-/api/translate", json={"line": "curl h/-/api/me"})).json()
    assert unknown["note"] == "What it does depends on more than the broker, and cannot be followed here."


@pytest.mark.parametrize("token", [OPERATOR, APP.master_key])
async def test_a_line_is_run_with_the_callers_own_right(served: Served, token: str) -> None:
    served.broker.on(AddMembers, MembersChanged(allowed=["Tom"], failed=[]))
    answer = await served.client.post(RUN, json={"line": LINE}, headers=bearer(token))
    assert answer.status_code == 200
    found = answer.json()
    assert found["status"] == 200
    assert ["content-type", "application/json"] in found["headers"]
    assert json.loads(found["body"]) == {"code": 0, "message": "ok", "data": True, "request-id": None}
    assert found["whole"] is True
    assert served.broker.last == Managed(
        app=APP.id, rev=APP.rev, command=AddMembers(conversation=NUMBER, users=("Tom",), strict=True)
    )


async def test_an_idempotency_key_of_the_line_is_heeded(served: Served) -> None:
    served.broker.on(AddMembers, MembersChanged(allowed=["Tom"], failed=[]))
    for key, heard in (("a", 1), ("a", 1), ("b", 2)):
        line = LINE.replace("curl", f"curl -H 'Idempotency-Key: {key}'", 1)
        answer = await served.client.post(RUN, json={"line": line}, headers=bearer(OPERATOR))
        assert answer.json()["status"] == 200
        assert len(served.broker.heard) == heard


async def test_what_an_operator_was_told_under_a_key_is_not_told_to_an_app(served: Served) -> None:
    """A line of our own API may do what no app's key may."""
    served.broker.on(AddApp, lambda command, managed: AppTable(apps=[*served.broker.apps, command.app]))
    body = {"line": 'curl h/-/api/apps -d \'{"id":"made"}\''}
    for token, status in ((OPERATOR, 200), (APP.master_key, 403)):
        answer = await served.client.post(RUN, json=body, headers={**bearer(token), "idempotency-key": "k"})
        assert answer.json()["status"] == status


async def test_a_refusal_is_shown_in_the_dialects_own_form(served: Served) -> None:
    served.broker.on(GetUser, Refused(Reason.UNKNOWN_USER, "none"))
    found = (await served.client.post(RUN, json={"line": GET}, headers=bearer(OPERATOR))).json()
    assert found["status"] == 403
    assert json.loads(found["body"])["error"]["code"] == 899002


async def test_what_is_run_is_in_the_audit_log(served: Served) -> None:
    served.broker.on(DeleteUser, Done(time_ms=5))
    assert (await served.client.post(RUN, json={"line": DELETE}, headers=bearer(OPERATOR))).json()["status"] == 204
    (line,) = [json.loads(each) for each in served.audit.tail(10)]
    assert (line["path"], line["commands"], line["proof"]) == (RUN, ["DeleteUser"], "operator")


async def test_what_changes_something_takes_an_admin(served: Served, sign_in: SignIn) -> None:  # noqa: F811
    served.broker.on(GetUser, UserFound(user=UserInfo("tom", b"{}", False, 1)))
    served.broker.on(DeleteUser, Done(time_ms=5))
    for role, line, status in (
        ("viewer", GET, 200),
        ("viewer", DELETE, 403),
        ("support", DELETE, 403),
        ("admin", DELETE, 200),
    ):
        answer = await served.client.post(RUN, json={"line": line}, headers=await sign_in(role))
        assert answer.status_code == status, (role, line)
    assert [type(each.command) for each in served.broker.heard if isinstance(each, Managed)] == [GetUser, DeleteUser]


async def test_a_signature_is_for_admins_as_it_opens_a_users_door(served: Served, sign_in: SignIn) -> None:  # noqa: F811
    """HI-01: no command comes of it, and yet it is more than reading."""
    line = f"curl h/im/signature/login/{APP.id}/c1"
    for role, status in (("viewer", 403), ("support", 403), ("admin", 200)):
        answer = await served.client.post(RUN, json={"line": line}, headers=await sign_in(role))
        assert answer.status_code == status, role


async def test_no_line_gives_more_than_its_caller_has(served: Served, sign_in: SignIn) -> None:  # noqa: F811
    """A line of our own API proves its caller by what he has shown himself, whatever the line shows."""
    viewer = await sign_in("viewer")
    line = f"curl -X POST -H 'Authorization: Bearer {OPERATOR}' h/-/api/apps/{APP.id}/users/tom/ban"
    assert (await served.client.post(RUN, json={"line": line}, headers=viewer)).status_code == 403
    elsewhere = f"curl -X POST -H 'Authorization: Bearer {OPERATOR}' h/-/api/apps/bare/users/tom/ban"
    found = (await served.client.post(RUN, json={"line": elsewhere}, headers=bearer(APP.master_key))).json()
    assert found["status"] == 404
    for headers in ({}, bearer("nothing")):
        assert (await served.client.post(RUN, json={"line": GET}, headers=headers)).status_code == 401
    assert (
        await served.client.post("/-/api/apps/bare/run", json={"line": GET}, headers=bearer(APP.master_key))
    ).status_code == 404
    assert not [each for each in served.broker.heard if isinstance(each, Managed)]


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("curl -F file=@a h/im/file/upload", 400, "A file cannot be sent from here"),
        ("curl h/ctx/tom", 400, "MaxLeap has no endpoint"),
        ("nonsense", 400, "This is no curl line"),
    ],
)
async def test_what_cannot_be_run_is_told(served: Served, line: str, status: int, words: str) -> None:
    """MaxLeap is not mounted here."""
    answer = await served.client.post(RUN, json={"line": line}, headers=bearer(OPERATOR))
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]
