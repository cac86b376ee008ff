"""A line that is shown as the same call is the same call: for every documented call of every dialect, in every other."""

from __future__ import annotations

import json

import pytest

from adminapi.translator import NONE, Other, curl, restored, say
from adminapi.translator.curl import NotCurl
from adminapi.translator.meaning import Difference, Meaning, differences, gathered
from adminapi.translator.reading import SAYINGS, Read, dialects, find, understand
from adminapi.translator.words import COMMANDS, FIELDS
from protocol.errors import Reason
from protocol.ids import IdForms
from protocol.records import Kind
from tests.adminapi.translator.examples import APP, BASE, lines

APPS = frozenset({APP})
TOKENS = {"leancloud_post_1_1_rtm_sign", "leancloud_get_1_2_rtm_clients_sign"}
"""What they do depends on a token of the app's server: no example of one can be good."""
FORMS = IdForms(APP)
NUMBER = 1_234_567_890_123
GROUP = FORMS.hex32(NUMBER)


def read(line: str) -> Read:
    return understand(curl.read(line), APPS)


def said(line: str, dialect: str) -> Other:
    return say(read(line), next(each for each in dialects() if each.name == dialect), BASE, APPS)


def plain(found: Read) -> list[Meaning]:
    return [restored(each, found.foreign) for each in found.meanings]


@pytest.mark.parametrize("dialect", SAYINGS)
def test_every_documented_call_is_followed(dialect: str) -> None:
    assert lines(dialect)
    for operation, line in lines(dialect):
        found = read(line)
        refused = found.recording.refused
        if dialect == "parley" and refused is not None:  # it asks more than the broker
            assert refused.reason is Reason.INTERNAL, operation
        else:
            assert (refused is not None) == (operation in TOKENS), (operation, refused)
        assert found.app in (APP, "") or found.found.endpoint.open
        for each in found.meanings:
            assert each.verb in COMMANDS, operation
            assert each.fields.keys() <= FIELDS.keys(), (operation, each)


@pytest.mark.parametrize("dialect", SAYINGS)
def test_what_is_said_elsewhere_is_the_same_but_for_what_is_named(dialect: str) -> None:
    for operation, line in lines(dialect):
        found = read(line)
        for target in dialects():
            if target.name != dialect:
                check(found, say(found, target, BASE, APPS), f"{operation} in {target.name}")


def check(found: Read, other: Other, where: str) -> None:
    assert other.lines or other.note or not found.meanings, where
    back = [each for shown in other.lines for each in plain(read(shown.curl))]
    if any(shown.near for shown in other.lines):
        assert any(shown.note for shown in other.lines), f"{where}: what it does instead is said"
        return
    named = [each for shown in other.lines for each in shown.differences]
    want = gathered([each for each in plain(found) if each.verb in {one.verb for one in back}])
    got = gathered(back)
    assert [each.verb for each in got] == [each.verb for each in want], where
    left = [each for one, two in zip(want, got, strict=True) for each in differences(one, two)]
    assert {each.field for each in left} == {each.field for each in named}, where


@pytest.mark.parametrize(
    ("line", "exact"),
    [
        (f'curl -X POST h/im/conversations/{GROUP}/members -d \'{{"client_ids":["Tom"]}}\'', "jmessage maxleap"),
        (f"curl h/im/conversations/{GROUP}/members", "jmessage leancloud"),
        (f"curl -X DELETE h/im/conversations/{GROUP}", "jmessage leancloud maxleap"),
        (f"curl 'h/im/conversations/{GROUP}/message?size=20'", "leancloud maxleap parley"),
        (f'curl -X DELETE h/groups/{GROUP}/members -d \'{{"members":["a"]}}\'', "leancloud"),
        (f"curl h/groups/{GROUP}", "native jmessage leancloud hisihi parley"),
        (f'curl -X PUT h/im/group/{GROUP} -d \'{{"group_name":"n"}}\'', ""),
        ('curl h/groups -d \'{"owner":"tom","name":"n","members":[]}\'', "jmessage"),
        ("curl -X DELETE h/v1/users/tom", "parley"),
        ("curl h/v1/users/tom", "maxleap parley"),
        ('curl h/v1/users -d \'[{"username":"tom","password":"secret"}]\'', "parley"),
        ('curl h/1.2/rtm/clients/tom/kick -d \'{"reason":"x"}\'', "parley"),
        (f'curl h/1.2/rtm/conversations/{GROUP}/mutes -d \'{{"client_id":"tom","ttl":60}}\'', "parley"),
        (f'curl h/1.2/rtm/conversations/{GROUP}/blacklists -X DELETE -d \'{{"client_ids":["tom"]}}\'', "parley"),
        ('curl h/system -d \'{"content":{"media":0,"body":"hello"}}\'', "parley"),
        ("curl -F file=@a h/im/file/upload", "maxleap"),
    ],
)
def test_what_can_be_said_elsewhere_without_loss(line: str, exact: str) -> None:
    found = read(line.replace("curl ", f"curl -H 'app-id: {APP}' -H 'X-LC-Id: {APP}' -H 'X-ML-AppId: {APP}' "))
    same = []
    for dialect in dialects():
        other = say(found, dialect, BASE, APPS)
        if dialect is not found.found.dialect and other.lines and not any(s.near or s.differences for s in other.lines):
            same.append(dialect.name)
    assert same == exact.split()


def test_a_message_keeps_what_it_says() -> None:
    """ZD-09, LC-10, JM-02."""
    body = {"from_client": "Tom", "type": -2, "text": "it's", "url": "http://a/b.png", "attr": {"w": 1}, "transient": 1}
    line = f"curl -H 'app-id: {APP}' h/im/conversations/{GROUP}/message -d '{json.dumps(body)}'".replace("it's", "it'\\''s")
    other = said(line, "leancloud")
    (shown,) = other.lines
    (meant,) = plain(read(shown.curl))
    wanted = {"text": "it's", "url": "http://a/b.png", "attr": {"w": 1}, "type": -2, "transient": True, "as": "Tom"}
    assert {name: meant.fields.get(name) for name in wanted} == wanted
    assert f"/1.2/rtm/conversations/{FORMS.hex24(NUMBER)}/messages" in shown.curl
    assert [each.field for each in shown.differences] == ["heed_ban", "newcomers"]
    back = said(shown.curl.replace("$MASTER_KEY", "k"), "native")
    assert json.loads(curl.read(back.lines[0].curl).body) == body


def test_the_key_of_a_message_goes_along() -> None:
    line = f"curl -H 'app-id: {APP}' -H 'Idempotency-Key: once' h/im/conversations/{GROUP}/message"
    line += ' -d \'{"from_client":"Tom","type":-1,"text":"x"}\''
    for dialect in ("leancloud", "jmessage"):
        (shown,) = said(line, dialect).lines
        assert curl.read(shown.curl).header("idempotency-key") == "once"
        assert "client_msg_id" not in [each.field for each in shown.differences]
    assert plain(read(line))[0].fields["client_msg_id"] == "once"


def test_a_field_that_is_lost_is_named_with_its_value() -> None:
    line = f'curl -u {APP}:k h/v1/users -d \'[{{"username":"tom","password":"secret","nickname":"T"}}]\''
    (shown,) = said(line, "maxleap").lines
    assert Difference("password", "secret", None) in shown.differences
    assert json.loads(curl.read(shown.curl).body) == {"nickname": "T"}


def test_several_users_are_one_call_each_where_a_dialect_takes_one() -> None:
    """HI-10."""
    line = f'curl -X DELETE -H \'app-id: {APP}\' h/im/conversations/{GROUP}/members -d \'{{"client_ids":["c1","c2"]}}\''
    other = said(line, "hisihi")
    assert [each.curl.partition(" \\")[0].rpartition("/")[2] for each in other.lines] == ["c1", "c2"]
    assert [each.field for each in other.lines[0].differences] == ["notices"], "HI-26: the removed are told"


def test_what_becomes_very_many_calls_is_cut_and_told() -> None:
    users = json.dumps([{"username": f"u{number}", "password": "password"} for number in range(30)])
    other = said(f"curl -u {APP}:k h/v1/users -d '{users}'", "parley")
    assert len(other.lines) == 20
    assert other.note == ("The first 20 of 30 commands.", "30 个命令中的前 20 个。")
    members = json.dumps({"client_ids": [f"c{number}" for number in range(30)]})
    line = f"curl -X DELETE -H 'app-id: {APP}' h/im/conversations/{GROUP}/members -d '{members}'"
    assert said(line, "hisihi").note == ("It would be 30 calls; name fewer users.", "需要 30 次调用，请减少用户数。")


def test_one_call_that_is_two_elsewhere_is_two() -> None:
    """JM-10."""
    line = f'curl -u {APP}:k h/v1/groups/{NUMBER}/members -d \'{{"add":["a"],"remove":["b"]}}\''
    assert [each.verb for each in read(line).meanings] == ["AddMembers", "RemoveMembers"]
    other = said(line, "native")
    assert [curl.read(each.curl).method for each in other.lines] == ["POST", "DELETE"]


def test_a_message_to_a_user_is_said_in_two_steps_and_told_so() -> None:
    line = f"curl -u {APP}:k h/v1/messages -d " + "'" + json.dumps(
        {
            "version": 1, "target_type": "single", "target_id": "javen", "from_type": "admin", "from_id": "fang",
            "msg_type": "text", "msg_body": {"text": "hi"},
        }
    ) + "'"  # fmt: skip
    other = said(line, "native")
    assert [each.near for each in other.lines] == [True, True]
    assert other.lines[0].note
    assert "/im/conversations/$CONVERSATION/message" in other.lines[1].curl


def test_ids_are_written_as_each_dialect_does_and_foreign_ones_stay() -> None:
    own = f"curl -H 'app-id: {APP}' h/im/conversations/{GROUP}/members"
    assert f"/v1/groups/{NUMBER}/members" in said(own, "jmessage").lines[0].curl
    assert f"/conversations/{FORMS.hex24(NUMBER)}/members" in said(own, "leancloud").lines[0].curl
    strange = "0123456789abcdef0123456789abcdef"
    for app in (APP, "another"):
        line = f"curl -H 'app-id: {app}' h/im/conversations/{strange}/members"
        assert plain(read(line))[0].fields == {"conversation": strange}
        assert f"/v1/groups/{strange}/members" in said(line, "jmessage").lines[0].curl


def test_the_kind_of_conversation_a_call_takes_is_kept() -> None:
    room = f"curl -X DELETE -H 'X-ML-AppId: {APP}' h/rooms/{GROUP}"
    assert read(room).kind is Kind.ROOM
    assert said(room, "jmessage").note == ("JMessage knows groups only.", "JMessage 只有群组。")
    assert said(room, "native").lines
    assert "/rooms/" in said(f"curl -X DELETE -H 'X-LC-Id: {APP}' h/1.2/rtm/chatrooms/{GROUP}", "maxleap").lines[0].curl


def test_times_and_numbers_of_a_history_are_kept() -> None:
    """ML-26, LC-30."""
    line = f"curl -H 'X-ML-AppId: {APP}' 'h/groups/{GROUP}/chats?ts=1500000000123&limit=7'"
    (shown,) = said(line, "leancloud").lines
    assert plain(read(line))[0].fields["older_ms"] == 1500000000123
    assert shown.differences == []
    assert "limit=7&timestamp=1500000000123" in shown.curl
    assert [each.field for each in said(line, "native").lines[0].differences] == ["older_ms"]


def test_what_a_dialect_would_refuse_is_told_in_its_words() -> None:
    """ML-02, JM-04."""
    line = f"curl -H 'X-ML-AppId: {APP}' h/ctx/tom/attributes -d '{{\"gender\":\"male\"}}'"
    note = said(line, "jmessage").note
    assert note is not None
    assert note[0] == "JMessage would refuse it: gender must be an integer from 0 to 2."
    assert said(line, "hisihi").note != NONE


def test_a_saying_of_every_dialect_is_used_by_some_documented_call() -> None:
    """What no call can lead to would never be checked."""
    known = {each.verb for _, line in lines() for each in read(line).meanings}
    quiet = f"curl -H 'X-LC-Id: {APP}' h/1.2/rtm/conversations/{GROUP}/mutes -d '{{\"client_ids\":[\"a\"]}}'"
    known |= {each.verb for each in read(quiet).meanings}  # the later form of LC-07, whose example is the seed's
    for name, sayings in SAYINGS.items():
        assert set(sayings) <= known, name
        functions = {f"{e.run.__module__.rpartition('.')[2]}.{e.run.__name__}" for d in dialects() for e in d.routes}  # type: ignore[attr-defined]
        assert set(sayings.points) <= functions, name


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("curl -X PATCH h/v1/users/tom", "/v1/users/tom takes GET, PUT, DELETE, not PATCH."),
        ("curl h/v1/users/tom/nothing", "JMessage has no endpoint /v1/users/tom/nothing."),
        ("curl h/elsewhere", "No dialect has a path /elsewhere."),
    ],
)
def test_a_path_that_nobody_has_is_named(line: str, wrong: str) -> None:
    with pytest.raises(NotCurl) as caught:
        read(line)
    assert caught.value.note[0] == wrong


def test_a_call_that_its_own_dialect_refuses_says_why_and_is_said_nowhere() -> None:
    found = read(f"curl -H 'app-id: {APP}' h/im/conversations/{GROUP}/members -d '{{}}'")
    assert found.recording.refused is not None
    assert found.recording.refused.detail == "client_ids is missing."
    assert found.meanings == []


@pytest.mark.parametrize("path", ["/im/group/1", "/v1/im/group/1", "/im/group/1/"])
def test_a_dialect_that_is_mounted_twice_is_found_at_both(path: str) -> None:
    """MUX-2, MUX-7."""
    assert find(curl.read(f"curl h{path}")).dialect.name == "hisihi"
