"""A user's profile as JM-01 and JM-04 send it and JM-03 prints it."""

from __future__ import annotations

import json

from protocol.commands import GetUser, PutUser, UpdateUser
from tests.adminapi.dialects.jmessage.conftest import TIME_MS, Jiguang, user


async def test_jm01_with_a_profile(served: Jiguang) -> None:
    profile = {
        "nickname": "方",
        "avatar": "qiniu/image/x",
        "birthday": "1990-01-24",
        "signature": "",
        "gender": "1",
        "region": "深圳",
        "address": None,
        "star": 3,
        "extras": {"a": 1},
    }
    answer = await served.call("POST", "/v1/users/", json=[{"username": "fang2", "password": "password", **profile}])
    assert answer.json() == [{"username": "fang2"}]
    put = served.broker.last.command
    assert isinstance(put, PutUser)
    assert put.attributes is not None
    kept = {key: profile[key] for key in ("nickname", "avatar", "region", "star", "extras")}
    assert json.loads(put.attributes) == {**kept, "birthday": "1990-01-24 00:00:00", "gender": 1}


async def test_jm03_what_was_never_set_is_left_out(served: Jiguang) -> None:
    served.broker.on(GetUser, user("test", {"nickname": None}, updated_ms=TIME_MS + 86_400_000))
    answer = await served.call("GET", "/v1/users/test/")
    times = {"mtime": "2015-01-02 00:00:00", "ctime": "2015-01-01 00:00:00"}
    assert answer.json() == {"username": "test", **times}


async def test_jm04_null_and_empty_text_unset_a_field(served: Jiguang) -> None:
    await served.call("PUT", "/v1/users/test", json={"nickname": None, "birthday": "", "star": "7", "unknown": 1})
    assert served.broker.last.command == UpdateUser(attributes=b'{"nickname":null,"star":7,"birthday":null}')
