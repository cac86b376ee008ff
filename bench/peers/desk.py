"""Who is logged in and hears what: what a thin broker has of its own, whatever carries its frames."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Generic, TypeVar

import orjson

S = TypeVar("S")


class Refused(Exception):
    """A login with another token."""


class Desk(Generic[S]):
    """`S` is a session of the library, compared by identity."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._users: dict[str, S] = {}
        self._seats: dict[int, tuple[str, str]] = {}
        self._hearers: dict[str, dict[int, S]] = {}

    def login(self, session: S, said: dict[str, Any]) -> S | None:
        """The session it replaces, if any. Refused for a wrong token."""
        if said["token"] != self._token:
            raise Refused(str(said["login"]))
        user, place = said["login"], said["hear"]
        before = self._users.get(user)
        if before is not None:
            self.gone(before)
        self._users[user] = session
        self._seats[id(session)] = (user, place)
        if place:
            self._hearers.setdefault(place, {})[id(session)] = session
        return before

    def user(self, session: S) -> str:
        return self._seats[id(session)][0]

    def hearers(self, place: str) -> Collection[S]:
        return self._hearers.get(place, {}).values()

    def gone(self, session: S) -> None:
        user, place = self._seats.pop(id(session), ("", ""))
        if self._users.get(user) is session:
            del self._users[user]
        hearers = self._hearers.get(place, {})
        hearers.pop(id(session), None)
        if place and not hearers:
            self._hearers.pop(place, None)


def welcome(user: str) -> bytes:
    return orjson.dumps({"welcome": user})


def kicked(user: str) -> bytes:
    return orjson.dumps({"kicked": user})


def answers(user: str, said: dict[str, Any]) -> tuple[bytes, bytes]:
    """The acknowledgement and what the others hear."""
    return orjson.dumps({"ack": said["id"]}), orjson.dumps({"from": user, "to": said["to"], "text": said["text"]})
