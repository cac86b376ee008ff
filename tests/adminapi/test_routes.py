"""Every endpoint the five documents print is mounted in its dialect, with the document's method and path.

Transcribed from the documents, so that a route can be lost neither by a slip nor by a merge. What stands in braces is
named freely. A dialect of the table counts once the program mounts one of that name.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adminapi.dialect import Dialect
from tests.adminapi.described import mounted_on

MAXLEAP = """
ML-01 GET /ctx/{userId}
ML-02 POST /ctx/{userId}/attributes
ML-03 PUT /ctx/{userId}/attributes
ML-04 GET /ctx/{userId}/attributes
ML-05 GET /ctx/{userId}/attributes/{attribute}
ML-06 DELETE /ctx/{userId}/attributes
ML-07 POST /ctx/{userId}/friends/{friendId}
ML-08 GET /ctx/{userId}/friends/{friendId}
ML-09 DELETE /ctx/{userId}/friends/{friendId}
ML-10 GET /ctx/{userId}/friends/{friendId}/chats
ML-11 GET /ctx/{userId}/friends
ML-12 GET /ctx/{userId}/groups
ML-13 GET /ctx/{userId}/rooms
ML-14 POST /groups
ML-15 GET /groups
ML-16 GET /groups/{groupId}
ML-17 PUT /groups/{groupId}
ML-18 DELETE /groups/{groupId}
ML-19 POST /groups/{groupId}/attributes
ML-20 PUT /groups/{groupId}/attributes
ML-21 GET /groups/{groupId}/attributes
ML-22 GET /groups/{groupId}/attributes/{attribute}
ML-23 DELETE /groups/{groupId}/attributes
ML-24 POST /groups/{groupId}/members
ML-25 DELETE /groups/{groupId}/members
ML-26 GET /groups/{groupId}/chats
ML-27 DELETE /groups/{groupId}/chats
ML-28 POST /rooms
ML-29 GET /rooms
ML-30 GET /rooms/{roomId}
ML-31 DELETE /rooms/{roomId}
ML-32 POST /rooms/{roomId}/attributes
ML-33 PUT /rooms/{roomId}/attributes
ML-34 GET /rooms/{roomId}/attributes
ML-35 GET /rooms/{roomId}/attributes/{attribute}
ML-36 DELETE /rooms/{roomId}/attributes
ML-37 POST /rooms/{roomId}/members
ML-38 DELETE /rooms/{roomId}/members
ML-39 POST /passengers
ML-40 GET /passengers/{passengerId}
ML-41 GET /passengers/{passengerId}/chats/{userId}
ML-42 POST /system
ML-43 POST /system/{target}
ML-44 POST /attachment
"""
HISIHI = """
HI-01 GET /im/signature/login/{app_id}/{client_id}
HI-02 GET /im/signature/conversation/{app_id}/{client_id}/{sorted_member_ids}
HI-03 GET /im/signature/invite/{app_id}/{client_id}/{conversation_id}/{sorted_member_ids}
HI-04 GET /im/signature/kick/{app_id}/{client_id}/{conversation_id}/{sorted_member_ids}
HI-05 POST /im/group
HI-06 PUT /im/group/{group_id}
HI-07 DELETE /im/group/{group_id}
HI-08 DELETE /im/user/{uid}/group/{group_id}
HI-09 POST /im/group/{group_id}/member
HI-10 DELETE /im/group/{group_id}/member/{client_id}
HI-11 GET /im/org/{organization_id}/groups
HI-12 GET /im/groups
HI-13 GET /im/org/{organization_id}/contacts
HI-14 POST /im/org/{class_id}/message
HI-15 GET /im/user/{client_id}/groups
HI-16 GET /im/group/{group_id}
HI-17 POST /im/user/{client_id}/group/{group_id}/join_group_notification
"""
JMESSAGE = """
JM-01 POST /v1/users
JM-02 POST /v1/messages
JM-03 GET /v1/users/{username}
JM-04 PUT /v1/users/{username}
JM-05 DELETE /v1/users/{username}
JM-06 GET /v1/users
JM-07 POST /v1/groups
JM-08 GET /v1/groups/{gid}
JM-09 DELETE /v1/groups/{gid}
JM-10 POST /v1/groups/{gid}/members
JM-11 GET /v1/groups/{gid}/members
JM-12 GET /v1/users/{username}/groups
JM-13 GET /v1/groups
"""
LEANCLOUD = """
LC-01 POST /1.2/rtm/conversations
LC-02 PUT /1.2/rtm/conversations/{conv_id}
LC-03 DELETE /1.2/rtm/conversations/{conv_id}
LC-04 POST /1.2/rtm/conversations/{conv_id}/members
LC-05 DELETE /1.2/rtm/conversations/{conv_id}/members
LC-06 GET /1.2/rtm/conversations/{conv_id}/members
LC-07 POST /1.2/rtm/conversations/{conv_id}/mutes
LC-08 DELETE /1.2/rtm/conversations/{conv_id}/mutes
LC-09 GET /1.2/rtm/conversations/{conv_id}/mutes
LC-10 POST /1.2/rtm/conversations/{conv_id}/messages
LC-11 POST /1.2/rtm/conversations/{conv_id}/messages/{mid}
LC-12 POST /1.2/rtm/conversations/{conv_id}/messages/{mid}/recall
LC-13 DELETE /1.2/rtm/conversations/{conv_id}/messages/{mid}
"""
NATIVE = """
ZD-01 POST /im/conversations/{conv_id}/members
ZD-02 GET /im/conversations/{conv_id}/members
ZD-04 POST /im/conversations
ZD-05 GET /im/conversations
ZD-06 PUT /im/conversations
ZD-07 DELETE /im/conversations/{conv_id}
ZD-08 GET /im/conversations/{conv_id}/message
ZD-09 POST /im/conversations/{conv_id}/message
ZD-11 POST /im/file/upload
"""
DOCUMENTS = {
    "maxleap": (MAXLEAP, 44),
    "hisihi": (HISIHI, 17),
    "jmessage": (JMESSAGE, 13),
    "leancloud": (LEANCLOUD, 13),
    "native": (NATIVE, 9),
}
"""By dialect: its table, and how many endpoints the document prints."""


@pytest.fixture
def mounted(tmp_path: Path) -> dict[str, Dialect]:
    """What the program mounts, by name."""
    return {dialect.name: dialect for dialect in mounted_on(tmp_path)}


def shape(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_endpoint_of_the_document_is_mounted(mounted: dict[str, Dialect], name: str) -> None:
    rows = [line.split() for line in DOCUMENTS[name][0].strip().splitlines()]
    assert len(rows) == len({row[0] for row in rows}) == DOCUMENTS[name][1]
    if name in mounted:
        there = {(endpoint.method, shape(endpoint.path)) for endpoint in mounted[name].routes}
        missing = [row for row, method, path in rows if (method, shape(path)) not in there]
        assert not missing


def test_every_dialect_the_program_mounts_is_of_a_document_or_our_own(mounted: dict[str, Dialect]) -> None:
    assert {"jmessage", "leancloud", "native", "parley"} <= mounted.keys() <= {*DOCUMENTS, "parley"}


def test_no_two_dialects_have_the_same_method_and_path(mounted: dict[str, Dialect]) -> None:
    """MUX-1: the path alone picks the dialect."""
    found = [(endpoint.method, shape(endpoint.path)) for dialect in mounted.values() for endpoint in dialect.routes]
    assert len(found) == len(set(found))
