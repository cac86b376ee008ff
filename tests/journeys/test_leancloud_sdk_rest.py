"""LeanCloud's published JavaScript SDK beside the REST API it asks for roles and for what it missed (`protocols.md` 2.11).

The law: as in test_leancloud_sdk; the client is given the REST API alone, whose router says where the sockets are. Of the
two versions only 5.x asks an API without TLS.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.leancloud.clients import FRAMINGS, OPEN, VERSIONS, Sdk, arrival
from tests.journeys.leancloud.node import modules
from tests.journeys.programs import Host

CONNECTION = {"away", "offline", "online", "disconnect", "reconnect", "schedule", "retry"}
"""What a client says of its own connection."""


@pytest.fixture(params=FRAMINGS)
def rest_sdk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sdk]:
    """With the REST API, whose router says where the sockets are."""
    modules(VERSIONS[1])
    with Host(tmp_path, OPEN) as host:
        host.broker()
        host.configure(OPEN, admin={"socket_url": host.url})
        host.admin()
        yield Sdk(host, VERSIONS[1], request.param)


def test_who_was_away_hears_who_came_and_went(rest_sdk: Sdk) -> None:
    with rest_sdk.start("away_tom", rest=True) as tom, rest_sdk.start("away_jerry", rest=True) as jerry:
        jerry.wait("jerry", "opened")
        tom.tell("invite")
        tom.wait("tom", "invited all")
        jerry.wait("jerry", "knows")
        for _ in range(2):
            jerry.tell("leave")
            jerry.wait("jerry", "away")
            tom.tell("go on")
            tom.wait("tom", "done")
            jerry.tell("come back")
            jerry.wait("jerry", "back")
        told = jerry.finish()
        tom.finish()
    lines = told.of("jerry")
    first = lines[lines.index(["away"]) : lines.index(["back"])]
    by_tom = {"invitedBy": "tom"}
    # A new conversation is fetched before it is told of, so that what comes behind it may overtake.
    assert sorted((line for line in first if line[0] not in CONNECTION), key=str) == [
        ["conversationinfoupdated", {"attributes": {"name": "renamed", "color": "red"}, "updatedBy": "tom"}, "renamed"],
        ["invited", by_tom, "new"],
        ["kicked", {"kickedBy": "tom"}, "second"],
        ["memberinfoupdated", {"member": "jerry", "memberInfo": "jerry is Manager", "updatedBy": "tom"}, "renamed"],
        ["members", ["jerry", "spike", "tom"]],
        ["membersjoined", {**by_tom, "members": ["spike"]}, "talk"],
        ["membersjoined", {**by_tom, "members": ["tom", "jerry"]}, "new"],
        ["membersmuted", {"mutedBy": "tom", "members": ["spike"]}, "renamed"],
    ]
    second = lines[lines.index(["back"]) + 1 :]
    assert [line for line in second if line[0] not in CONNECTION] == [
        ["membersleft", {"kickedBy": "tom", "members": ["spike"]}, "renamed"],
        ["members", ["jerry", "tom"]],
        ["back"],
    ]


def test_roles_are_read_by_members(rest_sdk: Sdk) -> None:
    with rest_sdk.start("members", rest=True) as scenario:
        told = scenario.finish()
    raised = {"member": "jerry", "memberInfo": "jerry is Manager", "updatedBy": "tom"}
    lowered = {**raised, "memberInfo": "jerry is Member"}
    assert told.of("tom") == [
        ["opened"],
        ["roles", ["jerry is Member", "tom is Owner"]],
        ["roles", ["jerry is Manager", "tom is Owner"]],
    ]
    assert told.of("jerry") == [
        *arrival("tom", "jerry"),
        ["memberinfoupdated", raised, "talk"],
        ["roles", ["tom is Owner", "jerry is Manager"]],
        ["membersjoined", {"invitedBy": "tom", "members": ["spike"]}, "talk"],
        ["memberinfoupdated", lowered, "talk"],
        ["membersleft", {"kickedBy": "tom", "members": ["spike"]}, "talk"],
    ]
    assert told.of("spike") == [
        ["opened"],
        ["invited", {"invitedBy": "tom"}, "talk"],
        ["roles", ["tom is Owner", "jerry is Manager", "spike is Member"]],
        ["memberinfoupdated", lowered, "talk"],
        ["roles", ["tom is Owner", "jerry is Member", "spike is Member"]],
        ["kicked", {"kickedBy": "tom"}, "talk"],
        ["refused", 4317],
    ]
