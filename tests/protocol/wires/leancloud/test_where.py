"""What a query for conversations may ask, operator by operator (`protocols.md` 2.5)."""

from __future__ import annotations

import json

import pytest

from protocol.wires.leancloud.schema import Op
from tests.protocol.wires.leancloud.gateway import Gateway, attr, names

WHERES: list[tuple[object, list[str]]] = [
    ({"name": "one"}, ["one"]),
    ({"m": "ann"}, ["one", "two"]),
    ({"m": {"$all": ["ann", "bob"]}}, ["two"]),
    ({"m": {"$size": 3}}, ["two"]),
    ({"m": {"$nin": ["ann"]}}, ["three"]),
    ({"m": {"$ne": "bob"}}, ["one"]),
    ({"m": ["tom", "ann"]}, ["one"]),
    ({"c": "tom"}, ["one", "two", "three"]),
    ({"n": {"$gt": 1, "$lte": 3}}, ["two", "three"]),
    ({"n": {"$lt": 2}}, ["one"]),
    ({"n": {"$in": [1, 3]}}, ["one", "three"]),
    ({"n": {"$nin": [1, 3]}}, ["two"]),
    ({"n": {"$ne": 2}}, ["one", "three"]),
    ({"tags": "x"}, ["one", "two"]),
    ({"tags": {"$all": ["x", "y"]}}, ["two"]),
    ({"tags": {"$size": 1}}, ["one"]),
    ({"tags": {"$exists": False}}, ["three"]),
    ({"attr.deep.k": "v"}, ["three"]),
    ({"attr.deep": {"$exists": True}}, ["three"]),
    ({"name": {"$regex": "^\\Qt\\E"}}, ["two", "three"]),
    ({"name": {"$regex": "\\QE\\E$", "$options": "i"}}, ["one", "three"]),
    ({"name": {"$regex": "\\Qw\\E"}}, ["two"]),
    ({"name": {"$regex": "^\\Qone\\E$"}}, ["one"]),
    ({"name": {"$regex": "hre"}}, ["three"]),
    ({"at": {"$gte": {"__type": "Date", "iso": "2020-01-02T00:00:00.000Z"}}}, ["two"]),
    ({"$or": [{"name": "one"}, {"n": 3}]}, ["one", "three"]),
    ({"$and": [{"m": "ann"}, {"$or": [{"n": 2}, {"n": 3}]}]}, ["two"]),
    ({"tr": False}, ["one", "two", "three"]),
    ({"tr": True}, []),
    ({"sys": True}, []),
    ({"lm": {"$exists": True}}, ["two"]),
    ({"lm": {"$exists": False}}, ["one", "three"]),
    ({"mu": "tom"}, ["three"]),
    ({"mu": "ann"}, []),
    ({"mu": {"$in": ["ann", "tom"]}}, ["three"]),
    ({"mu": {"$nin": ["tom"]}}, ["one", "two"]),
    ({"mu": {"$ne": "tom"}}, ["one", "two"]),
    ({"mu": {"$all": ["tom", "ann"]}}, []),
    ({"mu": ["tom"]}, ["three"]),
    ({"mu": {"$size": 1}}, ["three"]),
    ({"mu": {"$exists": True}}, ["three"]),
    ({"mu": {"$exists": False}}, ["one", "two"]),
    ({"$or": [{"mu": "tom"}, {"lm": {"$exists": True}}]}, ["two", "three"]),
    ({"lm": {"$gt": {"__type": "Date", "iso": "2000-01-01T00:00:00.000Z"}}}, ["two"]),
    ({"createdAt": {"$lt": {"__type": "Date", "iso": "2000-01-01T00:00:00.000Z"}}}, []),
    ({"updatedAt": {"$gt": {"__type": "Date", "iso": "2000-01-01T00:00:00.000Z"}}}, ["one", "two", "three"]),
    ({"objectId": "000000000000000000000000"}, []),
    ({"objectId": {"$exists": True}}, ["one", "two", "three"]),
    ({}, ["one", "two", "three"]),
    (None, ["one", "two", "three"]),
]


@pytest.mark.parametrize(("where", "expected"), WHERES, ids=str)
def test_a_where(gateway: Gateway, where: object, expected: list[str]) -> None:
    tom = gateway.opened("tom")
    day = {"__type": "Date", "iso": "2020-01-01T00:00:00.000Z"}
    tom.start("tom", "ann", attr=attr(name="one", n=1, tags=["x"], at=day))
    two = tom.start(
        "tom", "ann", "bob", attr=attr(name="two", n=2, tags=["x", "y"], at={**day, "iso": "2020-01-03T00:00:00.000Z"})
    )
    three = tom.start("tom", "bob", attr=attr(name="three", n=3, attr={"deep": {"k": "v"}}))
    assert tom.conv(Op.MUTE, cid=three).op == Op.UPDATED
    tom.say(two, "hi")
    assert names(tom, where, sort="createdAt") == expected


@pytest.mark.parametrize(
    "where",
    [
        {"name": {"$regex": "a.*b"}},
        {"name": {"$regex": "\\Qa\\E", "$options": "x"}},
        {"name": {"$near": 1}},
        {"$nor": []},
        {"m": {"$in": "ann"}},
        {"mu": 5},
        {"mu": {"$gt": "ann"}},
        {"tr": 1},
        {"createdAt": 5},
        [1],
    ],
    ids=str,
)
def test_a_where_that_is_none(gateway: Gateway, where: object) -> None:
    tom = gateway.opened("tom")
    assert tom.conv(Op.QUERY, where={"data": json.dumps(where)}).errorMessage.code == 4310


def test_who_wants_no_notifications_of_a_room_is_known_to_himself(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    room = tom.start("tom", transient=True, attr=attr(name="room"))
    ann.conv(Op.ADD, cid=room, m=["ann"])
    tom.conv(Op.MUTE, cid=room)
    assert names(tom, {"mu": "tom", "tr": True}) == ["room"]
    assert names(ann, {"mu": "tom", "tr": True}) == names(ann, {"mu": {"$exists": True}, "tr": True}) == []
    tom.conv(Op.UNMUTE, cid=room)
    assert names(tom, {"mu": "tom", "tr": True}) == []
