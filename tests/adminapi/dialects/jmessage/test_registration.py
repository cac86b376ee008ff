"""Registering users: JM-01 beside its printed answer, each entry alone, and the bounds of a list (JM-33)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adminapi.dialect import Ask, Caller
from adminapi.dialects.jmessage.registration import Registration
from adminapi.passwords import Passwords
from protocol.commands import Managed, PutUser
from protocol.errors import Reason, Refused
from tests.adminapi.conftest import APP
from tests.adminapi.dialects.jmessage.conftest import Jiguang, error_of, hashed


@pytest.mark.parametrize("path", ["/v1/users/", "/v1/users"])
async def test_jm01_register(served: Jiguang, path: str) -> None:
    body = [{"username": "dev_fang", "password": "password"}, {"username": "dev_fang", "password": "password"}]
    answer = await served.call("POST", path, json=body)
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    taken = {"code": 899001, "message": "User exists"}
    assert answer.json() == [{"username": "dev_fang"}, {"username": "dev_fang", "error": taken}]
    put = PutUser(user="dev_fang", attributes=b"{}", password="hash of password", must_be_new=True)
    assert served.broker.last == Managed(app=APP.id, rev=3, command=put)


async def test_jm01_each_entry_alone_in_order(served: Jiguang) -> None:
    entries: list[dict[str, Any]] = [
        {"username": "dev_fang", "password": "password"},
        {"username": "eddie", "password": "password"},
        {"username": "abc", "password": "password"},
        {"username": "_abc", "password": "password"},
        {"username": "a b c d", "password": "password"},
        {"username": "小明明明", "password": "password"},
        {"username": "a" * 129, "password": "password"},
        {"password": "password"},
        {"username": ["x"], "password": "password"},
        {"username": "nopassword"},
        {"username": "number", "password": 123456},
        {"username": "short", "password": "abc"},
        {"username": "long", "password": "x" * 129},
        {"username": "birth", "password": "password", "birthday": "someday"},
        {"username": "a.b-c@d_e", "password": "密码"},
        {"username": 10086, "password": "5f4dcc3b5aa765d61d8327deb882cf99"},
    ]
    answer = await served.call("POST", "/v1/users/", json=entries)
    assert answer.status_code == 201
    bad, password = 899003, 899004
    codes = [None, 899001, None, bad, bad, bad, bad, bad, bad, bad, bad, password, password, bad, None, None]
    assert [row.get("error", {}).get("code") for row in answer.json()] == codes
    assert [row["username"] for row in answer.json()[7:10]] == ["", "", "nopassword"]
    assert answer.json()[9]["error"]["message"] == "Parameter invalid! password is missing."
    assert answer.json()[15] == {"username": "10086"}
    puts = [command for command in served.commands if isinstance(command, PutUser)]
    assert [(put.user, put.password) for put in puts] == [
        ("dev_fang", "hash of password"),
        ("abc", "hash of password"),
        ("a.b-c@d_e", "hash of 密码"),
        ("10086", "hash of 5f4dcc3b5aa765d61d8327deb882cf99"),
    ]


async def test_jm01_a_real_hash_is_argon2id(served: Jiguang) -> None:
    ask = Ask(method="POST", body=b'[{"username":"dev_fang","password":"password"}]')
    ask.caller = Caller(app=APP)
    answer = await Registration(Passwords().hash).run(ask, served.channel)
    assert (answer.status, json.loads(answer.body)) == (201, [{"username": "dev_fang"}])
    put = served.broker.last.command
    assert isinstance(put, PutUser)
    assert str(put.password).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def registering(*names: str) -> Ask:
    body = json.dumps([{"username": name, "password": "password"} for name in names]).encode()
    ask = Ask(method="POST", body=body)
    ask.caller = Caller(app=APP)
    return ask


async def test_jm01_when_the_hasher_has_no_room_the_rest_is_899030(served: Jiguang) -> None:
    calls: list[str] = []

    async def full_after_two(password: str) -> str:
        calls.append(password)
        if len(calls) > 2:
            raise Refused(Reason.OVERLOADED, retry_after_ms=2000)
        return "hash"

    answer = await Registration(full_after_two).run(registering("one1", "two2", "three", "four"), served.channel)
    busy = {"code": 899030, "message": "Server response time out, please try again later"}
    assert json.loads(answer.body) == [
        {"username": "one1"},
        {"username": "two2"},
        {"username": "three", "error": busy},
        {"username": "four", "error": busy},
    ]
    assert len(calls) == 3
    with pytest.raises(Refused):
        await Registration(full_after_two).run(registering("five", "six6"), served.channel)


async def test_jm01_a_list_has_a_minute(served: Jiguang) -> None:
    ticks = iter([0.0, 1.0, 61.0])
    answer = await Registration(hashed, lambda: next(ticks)).run(registering("one1", "two2", "three"), served.channel)
    assert [row.get("error", {}).get("code") for row in json.loads(answer.body)] == [None, 899030, 899030]


async def test_jm33_five_hundred_are_taken_and_one_more_is_899013(served: Jiguang) -> None:
    entries = [{"username": f"user{number}", "password": "password"} for number in range(501)]
    message = error_of(await served.call("POST", "/v1/users/", json=entries), 403, 899013)
    assert message == "user list is bigger than 500"
    assert served.broker.heard == []
    answer = await served.call("POST", "/v1/users/", json=entries[:500])
    assert answer.json() == [{"username": entry["username"]} for entry in entries[:500]]
