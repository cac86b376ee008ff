"""LeanCloud's published JavaScript SDKs, as they are, against the two programs (`protocols.md` 2).

The law: what is asserted is all that a client was told, in its order. Two versions, each in both framings; the clients of
4.3.1 have a connection each, those of 5.0.0-rc.8 share one. The scenarios are in leancloud/, one file each.
"""

from __future__ import annotations

import httpx
import pytest

from tests.journeys.leancloud.clients import OPEN, Sdk, arrival, heard, outcome
from tests.journeys.programs import APP

HEADERS = {"X-LC-Id": str(APP["id"]), "X-LC-Key": f"{APP['master_key']},master"}


def test_two_talk_and_a_third_comes_and_goes(sdk: Sdk) -> None:
    told = sdk.run("talk")
    assert told.of("tom") == [
        ["opened"],
        ["created", "talk", "red", "tom", ["jerry", "tom"]],
        ["sent", "string", "a date", True],
        *heard("jerry: hi tom"),
        ["added", outcome("spike")],
        *heard("spike: woof"),
        ["count", 3],
        ["membersleft", {"kickedBy": "spike", "members": ["spike"]}, "talk"],
        ["membersjoined", {"invitedBy": "spike", "members": ["spike"]}, "talk"],
        ["removed", outcome("spike")],
        ["history", ["tom: hello jerry", "jerry: hi tom", "spike: woof"]],
        ["close", {"code": 0}],
    ]
    assert told.of("jerry") == [
        *arrival("tom", "jerry"),
        *heard("tom: hello jerry"),
        ["got", "talk", "red", "tom", ["jerry", "tom"]],
        ["membersjoined", {"invitedBy": "tom", "members": ["spike"]}, "talk"],
        *heard("spike: woof"),
        ["membersleft", {"kickedBy": "spike", "members": ["spike"]}, "talk"],
        ["membersjoined", {"invitedBy": "spike", "members": ["spike"]}, "talk"],
        ["membersleft", {"kickedBy": "tom", "members": ["spike"]}, "talk"],
        ["page", ["jerry: hi tom", "spike: woof"]],
        ["page", ["tom: hello jerry"]],
        ["found", ["talk"]],
        ["close", {"code": 0}],
        ["closed"],
    ]
    assert told.of("spike") == [
        ["opened"],
        ["invited", {"invitedBy": "tom"}, "talk"],
        ["refused", 4401],
        ["kicked", {"kickedBy": "tom"}, "talk"],
    ]


def test_receipts_say_what_arrived_and_what_was_read(sdk: Sdk) -> None:
    told = sdk.run("receipts")
    assert told.of("tom") == [
        ["opened"],
        ["lastdeliveredatupdate"],
        ["delivered", True, True],
        ["lastreadatupdate"],
        ["read", True],
        ["close", {"code": 0}],
        ["opened"],
        ["fetched", True, True],
    ]
    assert told.of("jerry") == [
        *arrival("tom", "jerry"),
        *heard("tom: are you there?"),
        ["unread", 1],
        ["unreadmessagescountupdate", ["talk"]],
        ["unread", 0],
    ]


def test_a_message_is_edited_and_taken_back(sdk: Sdk) -> None:
    told = sdk.run("editing")
    assert told.of("tom") == [
        ["opened"],
        ["edited", "tom: hello", True],
        ["recalled", "tom: (recalled)", True],
        ["refused", 4404],
    ]
    own = "Updating message from others is not allowed"
    assert told.of("jerry") == [
        *arrival("tom", "jerry"),
        *heard("tom: helo", "tom: oops"),
        ["messageupdate", "tom: hello", "talk", None],
        ["messagerecall", "tom: (recalled)", "talk", None],
        ["refused", own, own],
        ["history", ["tom: hello", "tom: (recalled)"]],
    ]


def test_who_was_away_hears_what_is_unread(sdk: Sdk) -> None:
    told = sdk.run("unread")
    assert told.of("tom") == [["opened"]]
    lines = told.of("jerry")
    # Both conversations are in one list, whose order says nothing.
    assert sorted(lines[7].pop()) == ["aside", "talk"]
    assert lines == [
        *arrival("tom", "jerry"),
        *arrival("tom", "jerry", name="aside")[1:],
        ["close", {"code": 0}],
        ["opened"],
        ["unreadmessagescountupdate"],
        ["unread", "talk", 3, True, "tom: three"],
        ["unread", "aside", 1, False, "tom: psst"],
        ["history", ["tom: one", "tom: two", "tom: three"]],
        ["unreadmessagescountupdate", ["talk"]],
        ["unread", "talk", 0, False],
        ["close", {"code": 0}],
        ["opened"],
        ["unreadmessagescountupdate", ["aside"]],
        ["unread", "aside", 1],
    ]


def test_roles_decide_who_may_do_what(sdk: Sdk) -> None:
    told = sdk.run("roles")
    silenced = ["membersmuted", {"mutedBy": "jerry", "members": ["spike"]}, "talk"]
    assert told.of("tom") == [
        ["opened"],
        silenced,
        ["membersleft", {"kickedBy": "jerry", "members": ["spike"]}, "talk"],
    ]
    jerry = told.of("jerry")
    assert jerry[:4] == [*arrival("tom", "jerry", "spike"), ["refused", 4320, 4320]]
    # The answer and the event that is behind it are told by different timers of the SDK.
    assert sorted(jerry[4:6]) == [silenced, ["muted", outcome("spike")]]
    assert jerry[6:] == [["removed", outcome("spike")], ["refused", 4320]]
    spike = told.of("spike")
    assert spike == [
        *arrival("tom", "jerry", "spike"),
        silenced,
        ["muted", {"mutedBy": "jerry"}, "talk"],
        ["kicked", {"kickedBy": "jerry"}, "talk"],
        ["refused", 4317],
    ]


def test_who_is_silenced_cannot_speak(sdk: Sdk) -> None:
    told = sdk.run("silence")
    silenced = ["membersmuted", {"mutedBy": "tom", "members": ["spike"]}, "talk"]
    free = ["membersunmuted", {"unmutedBy": "tom", "members": ["spike"]}, "talk"]
    unknown = {"code": 4401, "appCode": None, "detail": None, "name": "unknown user", "clientIds": ["nobody"]}
    assert told.of("tom") == [
        ["opened"],
        ["done", {"successfulClientIds": ["spike"], "failures": [unknown]}],
        silenced,
        ["silenced", {"results": ["spike"], "next": None}],
        ["done", outcome("spike")],
        free,
        *heard("spike: free"),
        ["silenced", {"results": [], "next": None}],
    ]
    assert told.of("jerry") == [*arrival("tom", "jerry", "spike"), silenced, free, *heard("spike: free")]
    assert told.of("spike") == [
        *arrival("tom", "jerry", "spike"),
        silenced,
        ["muted", {"mutedBy": "tom"}, "talk"],
        ["refused", 4563],
        free,
        ["unmuted", {"unmutedBy": "tom"}, "talk"],
    ]


def test_who_is_blocked_is_out_until_he_is_not(sdk: Sdk) -> None:
    told = sdk.run("block")
    blocked = ["membersblocked", {"blockedBy": "tom", "members": ["spike"]}, "talk"]
    unblocked = ["membersunblocked", {"unblockedBy": "tom", "members": ["spike"]}, "talk"]
    refused = {"code": 4315, "appCode": None, "detail": None, "name": "blocked", "clientIds": ["spike"]}
    assert told.of("tom") == [
        ["opened"],
        ["done", outcome("spike")],
        blocked,
        ["membersleft", {"kickedBy": "tom", "members": ["spike"]}, "talk"],
        ["blocked", {"results": ["spike"], "next": None}, ["jerry", "tom"]],
        ["done", {"successfulClientIds": [], "failures": [refused]}],
        ["done", outcome("spike")],
        unblocked,
        ["blocked", {"results": [], "next": None}, ["jerry", "tom"]],
        ["done", outcome("spike")],
        *heard("spike: here I am"),
    ]
    assert told.of("jerry") == [
        *arrival("tom", "jerry", "spike"),
        blocked,
        ["membersleft", {"kickedBy": "tom", "members": ["spike"]}, "talk"],
        ["members", ["jerry", "tom"]],
        unblocked,
        ["membersjoined", {"invitedBy": "tom", "members": ["spike"]}, "talk"],
        *heard("spike: here I am"),
    ]
    assert told.of("spike") == [
        *arrival("tom", "jerry", "spike"),
        ["blocked", {"blockedBy": "tom"}, "talk"],
        ["kicked", {"kickedBy": "tom"}, "talk"],
        ["refused", 4315],
        ["unblocked", {"unblockedBy": "tom"}, "talk"],
        ["invited", {"invitedBy": "tom"}, "talk"],
    ]


def test_who_is_put_out_is_told_of_what_he_has_never_seen(sdk: Sdk) -> None:
    told = sdk.run("uncached")
    assert told.of("jerry") == [["opened"], ["kicked", {"kickedBy": "tom"}, "talk"]]


def test_presence_is_asked(sdk: Sdk) -> None:
    assert sdk.run("presence").of("tom") == [["opened"], ["online", ["jerry", "tom"]], ["online", ["tom"]]]


def test_attributes_change_for_all(sdk: Sdk) -> None:
    told = sdk.run("attributes")
    changed = {"color": "blue", "size": 1}
    places = {"name": "renamed", "attr.color": "blue"}
    assert told.of("jerry") == [
        *arrival("tom", "jerry"),
        ["conversationinfoupdated", {"attributes": places, "updatedBy": "tom"}, "renamed"],
        ["sees", "renamed", changed],
        ["fetched", "renamed", changed],
        ["fetched", ["tom"]],
        ["fetched", []],
    ]
    assert told.of("tom") == [["opened"]]


def test_a_room_is_heard_by_those_inside(sdk: Sdk) -> None:
    told = sdk.run("rooms")
    assert told.of("tom") == [
        ["opened"],
        ["created", True, "room"],
        ["count", 2],
        *heard("jerry: thanks", name="room"),
        ["count", 1],
        ["history", ["tom: welcome", "jerry: thanks", "tom: gone already?"]],
    ]
    assert told.of("jerry") == [["opened"], ["found", True, 4401], *heard("tom: welcome", name="room")]
    assert told.of("spike") == [["opened"], ["found", ["room"]]]


def test_a_temporary_conversation(sdk: Sdk) -> None:
    told = sdk.run("temporary")
    assert told.of("tom") == [
        ["opened"],
        ["created", "_tmp", True, False],
        *heard("jerry: burnt", name="_tmp"),
        ["same", True],
        ["found", [], []],
        ["over", True, 4323],
        ["anew", True, False],
    ]
    assert told.of("jerry") == [
        *arrival("tom", "jerry", name="_tmp"),
        *heard("tom: for your eyes only", name="_tmp"),
        ["until", True],
        ["history", ["tom: for your eyes only", "jerry: burnt"]],
    ]


def test_bytes_come_through(sdk: Sdk) -> None:
    told = sdk.run("binary")
    every = f"tom: bytes {bytes(range(256)).hex()}"
    assert told.of("jerry") == [
        *arrival("tom", "jerry"),
        *heard("tom: bytes 00ff800a", every),
        ["messageupdate", "tom: (unreadable)", "talk", None],
        ["history", ["tom: bytes 010001", every]],
        ["last", every, True],
    ]


def test_a_second_login_with_the_same_tag_ends_the_first_alone(sdk: Sdk) -> None:
    with sdk.start("login", "tom", "Mobile") as first, sdk.start("login", "tom", "Pad") as other:
        first.wait("tom", "opened")
        other.wait("tom", "opened")
        first.tell("put out")
        with sdk.start("login", "tom", "Mobile") as second:
            assert first.finish().of("tom") == [
                ["opened"],
                ["conflict", {"reason": "This client has logged in elsewhere."}],
                ["refused", True],
            ]
            for scenario in (other, second):
                scenario.tell("leave")
                assert scenario.finish().of("tom") == [["opened"], ["online", ["tom"]], ["close", {"code": 0}]]


def test_the_back_office_kicks_one_client(sdk: Sdk) -> None:
    sdk.host.admin()
    with sdk.start("kick") as scenario:
        scenario.wait("tom", "ready")
        url = f"{sdk.host.admin_url}/1.2/rtm/clients/tom/kick"
        answer = httpx.post(url, headers=HEADERS, json={"reason": "Enough."})
        assert (answer.status_code, answer.json()) == (200, {})
        told = scenario.finish()
    assert told.of("tom") == [
        *arrival("jerry", "tom"),
        ["ready"],
        ["close", {"code": 4115, "reason": "Enough."}],
        ["refused", True],
    ]
    assert told.of("jerry") == [["opened"], ["online", ["jerry"]]]
    with sdk.start("login", "tom") as again:  # a process of its own: 5.x does not open an id anew that was put out
        again.tell("leave")
        assert again.finish().of("tom") == [
            ["opened"],
            ["unreadmessagescountupdate", ["talk"]],
            ["online", ["tom"]],
            ["close", {"code": 0}],
        ]


@pytest.mark.parametrize("how", ["kill -9", "SIGTERM"])
def test_nothing_is_lost_when_the_broker_starts_again(sdk: Sdk, how: str) -> None:
    with sdk.start("restart") as scenario:
        scenario.wait("tom", "speaking")
        if how == "SIGTERM":
            assert sdk.host.stop() == 0
        else:
            sdk.host.kill()
        sdk.host.configure(OPEN, sockets={"listen": f"127.0.0.1:{sdk.host.port}"})
        sdk.host.broker()
        told = scenario.finish()
    assert [line[0] for line in told.of("tom") if "message" not in line[0]] == [
        "opened",
        "speaking",
        "disconnect",
        "reconnect",
    ]
    jerry = {line[0]: line[1:] for line in told.of("jerry")}
    assert (jerry["lost"], jerry["twice"]) == ([[]], [[]])
    # The last one may have been kept without its sender having heard so; then it is the last.
    assert jerry["unasked"][0] in (0, 1)
    (history,) = jerry["history"]
    assert history == [*(f"tom: before {n}" for n in range(len(history) - 2)), "tom: after", "jerry: welcome back"]
    pushed = [line[1] for line in told.of("jerry") if line[0] == "message"]
    assert len(set(pushed)) == len(pushed)
    assert set(pushed) <= set(history)
