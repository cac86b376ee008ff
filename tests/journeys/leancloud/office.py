"""A back office with the vendor's Python SDK as it is. Run in a Python of its own: office.py APP_ID KEY MASTER_KEY."""

from __future__ import annotations

import json
import sys
from typing import Any

import leancloud  # type: ignore[import-not-found]  # in the folder `pypi` has filled
from leancloud import Conversation, LeanCloudError, Message


def say(what: str, *details: Any) -> None:
    print(json.dumps(["office", what, *details]), flush=True)


def refused(call: Any) -> int:
    try:
        call()
    except LeanCloudError as error:
        return int(error.code)
    return 0


def saved(**fields: Any) -> Any:
    conversation = Conversation(**fields)
    conversation.save()
    return conversation


def shown(conversation_id: str) -> dict[str, Any]:
    """What the class has of it, without what changes from run to run."""
    found = Conversation.query.get(conversation_id)
    names = ("name", "m", "color", "visits", "tags", "sys")
    return {name: found.get(name) for name in names if found.get(name) is not None}


def words(messages: list[Any]) -> list[list[Any]]:
    return [[message.from_client, message.data, message.bin] for message in messages]


def main(app: str, key: str, master: str) -> None:
    leancloud.init(app, app_key=key, master_key=master)
    leancloud.use_master_key(True)

    team = Conversation("team", is_unique=True)
    for user in ("tom", "jerry"):
        team.add_member(user)
    team.set("color", "red")
    team.save()
    say("made", shown(team.id))
    team.set("name", "crew")
    team.increment("visits", 2)
    team.add_unique("tags", "a")
    team.add_member("spike")
    team.save()
    say("changed", shown(team.id))
    team.remove("m", "spike")
    team.unset("color")
    team.save()
    say("members", shown(team.id))

    query = Conversation.query.equal_to("m", "jerry").descending("createdAt").add_descending("name").limit(10)
    say("found", [found.get("name") for found in query.find()], query.count(), query.first().id == team.id)

    team.send("tom", {"_lctype": -1, "_lctext": "hello"})
    team.send("jerry", "plain", push_data={"alert": "x"})
    first = Message.find_by_conversation(team.id, limit=10)
    say("history", words(first))
    before = {"before_time": first[0].timestamp, "before_message_id": first[0].message_id}
    say("older", words(Message.find_by_conversation(team.id, **before)))
    say("of tom", words(Message.find_by_client("tom")))

    news = saved(name="news", is_system=True)
    say("service", shown(news.id))
    news.broadcast("anchor", {"_lctype": -1, "_lctext": "to all"}, push_data={"alert": "x"})
    news.send("anchor", "to jerry", to_clients=["jerry"])
    say("told", words(Message.find_by_conversation(news.id)))
    say("all", words(Message.find_all(limit=3)))
    say("refused", refused(lambda: team.broadcast("anchor", "x")), refused(lambda: team.send("a", "x", to_clients=["tom"])))

    team.destroy()
    say("gone", refused(lambda: Conversation.query.get(team.id)))


main(*sys.argv[1:])
