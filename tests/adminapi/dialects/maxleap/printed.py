"""Every request the seed prints, as it prints it, and its answer: ML-01 to ML-43 in the order of the document.

Words in braces stand for ids and rows of the world the examples speak of, which the fixture `book` makes. ML-44 is no JSON;
it is in `test_attachment`.
"""

from __future__ import annotations

from typing import Any

Book = dict[str, Any]
"""What the words in braces stand for."""

USER = {
    "attributes": {"key1": "value1", "key2": "value2", "name": "隔壁老王"},
    "installs": ["installid1", "installid2"],
    "sessions": 2,
    "friends": ["testuser2"],
    "groups": ["{group}"],
    "rooms": ["{room}"],
}
ANY = object()
"""Whatever it is, it is tested elsewhere."""
EXAMPLES: list[tuple[str, str, str, Any, int, Any]] = [
    ("ML-01", "GET", "/ctx/testuser1", None, 200, USER),
    ("ML-02", "POST", "/ctx/testuser1/attributes", {"name": "隔壁老王", "age": 46, "gender": "male"}, 201, None),
    ("ML-03", "PUT", "/ctx/testuser1/attributes", {"name": "隔壁老李"}, 201, None),
    ("ML-04", "GET", "/ctx/testuser1/attributes", None, 200, USER["attributes"]),
    ("ML-05", "GET", "/ctx/testuser1/attributes/name", None, 200, "隔壁老王"),
    ("ML-06", "DELETE", "/ctx/testuser1/attributes", None, 204, None),
    ("ML-07", "POST", "/ctx/testuser1/friends/testuser2", None, 200, ANY),
    ("ML-08", "GET", "/ctx/testuser1/friends/testuser2", None, 200, ANY),
    ("ML-09", "DELETE", "/ctx/testuser1/friends/testuser2", None, 204, None),
    ("ML-10", "GET", "/ctx/testuser1/friends/testuser2/chats", None, 200, "{friends_chats}"),
    ("ML-11", "GET", "/ctx/testuser1/friends?detail", None, 200, ANY),
    ("ML-12", "GET", "/ctx/testuser1/groups?detail", None, 200, ANY),
    ("ML-13", "GET", "/ctx/testuser1/rooms?detail", None, 200, ANY),
    ("ML-14", "POST", "/groups", {"owner": "testuser1", "name": "testgroup1", "members": ["testuser2"]}, 201, ANY),
    ("ML-15", "GET", "/groups", None, 200, ANY),
    ("ML-16", "GET", "/groups/{group}", None, 200, ANY),
    ("ML-17", "PUT", "/groups/{group}", {"owner": "baz"}, 201, None),
    ("ML-18", "DELETE", "/groups/{group}", None, 204, None),
    ("ML-19", "POST", "/groups/{group}/attributes", {"company": "maxleap", "star": 5}, 201, None),
    ("ML-20", "PUT", "/groups/{group}/attributes", {"flag": "Game"}, 201, None),
    ("ML-21", "GET", "/groups/{group}/attributes", None, 200, {"name": "testgroup1"}),
    ("ML-22", "GET", "/groups/{group}/attributes/name", None, 200, "testgroup1"),
    ("ML-23", "DELETE", "/groups/{group}/attributes", None, 204, None),
    ("ML-24", "POST", "/groups/{group}/members", {"members": ["testuser3"]}, 201, None),
    ("ML-25", "DELETE", "/groups/{group}/members", {"members": ["testuser3"]}, 204, None),
    ("ML-26", "GET", "/groups/{group}/chats", None, 200, "{group_chats}"),
    ("ML-27", "DELETE", "/groups/{group}/chats", None, 204, None),
    ("ML-28", "POST", "/rooms", {"name": "room_test", "members": ["testuser1", "testuser2"]}, 201, ANY),
    ("ML-29", "GET", "/rooms", None, 200, ANY),
    ("ML-30", "GET", "/rooms/{room}", None, 200, ANY),
    ("ML-31", "DELETE", "/rooms/{room}", None, 204, None),
    ("ML-32", "POST", "/rooms/{room}/attributes", {"company": "maxleap", "star": 5}, 201, None),
    ("ML-33", "PUT", "/rooms/{room}/attributes", {"rate": "100%"}, 201, None),
    ("ML-34", "GET", "/rooms/{room}/attributes", None, 200, {"name": "room_test", "company": "maxleap"}),
    ("ML-35", "GET", "/rooms/{room}/attributes/company", None, 200, "maxleap"),
    ("ML-36", "DELETE", "/rooms/{room}/attributes", None, 204, None),
    ("ML-37", "POST", "/rooms/{room}/members", {"members": ["testuser3"]}, 201, None),
    ("ML-38", "DELETE", "/rooms/{room}/members", {"members": ["testuser3"]}, 204, None),
    ("ML-39", "POST", "/passengers", {"name": "王尼玛"}, 201, ANY),
    ("ML-40", "GET", "/passengers/{passenger}", None, 200, {"name": "王尼玛"}),
    ("ML-41", "GET", "/passengers/{passenger}/chats/testuser1", None, 200, "{passenger_chats}"),
    ("ML-42", "POST", "/system", {"content": {"media": 0, "body": "hello all!"}}, 202, None),
    ("ML-43", "POST", "/system/testuser1", {"content": {"media": 0, "body": "hello!"}}, 202, None),
]
