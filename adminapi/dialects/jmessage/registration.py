"""Registering up to 500 users with one call (JM-01).

The law: the whole list is read before anyone is registered; then each entry succeeds or fails alone, and the answer has
one element an entry, in the list's order. Hashing is what takes the time (two passes of argon2id, some 25 ms each), so
nobody's password is hashed who is known already, and a list that failed half way costs little when it comes again.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import cast

from adminapi.dialect import Answer, Ask, Broker, json_answer
from adminapi.dialects.jmessage.codes import ERROR, LONG_LIST, PASSWORD, USER_EXISTS, Failed, rendering_of
from adminapi.dialects.jmessage.parameters import NEW_NAME, USERS_MOST, Data, bad, missing
from adminapi.dialects.jmessage.profile import SCHEMAS, changes
from adminapi.schemas import About, array, obj, sent, text
from protocol.codec import write_json
from protocol.commands import GetUser, PutUser
from protocol.errors import RETRY_LATER, Reason, Refused

HashPassword = Callable[[str], Awaitable[str]]

SECONDS = 60.0
"""For one list; 500 passwords take about 13 s where nobody else hashes."""
PASSWORD_BYTES = range(4, 129)

NEW_USER = sent(
    {
        "username": text(
            "Starts with a letter or digit.", pattern="^[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}$", example="dev_fang"
        ),
        "password": text("4 to 128 bytes.", least=4, most=128, example="password"),
    },
    {field: {key: value for key, value in schema.items() if key != "examples"} for field, schema in SCHEMAS.items()},
)
ABOUT = About(
    status=201,
    answer=array(obj({"username": text()}, {"error": ERROR}), "One element an entry, in their order.", least=1),
    body=array(NEW_USER, least=1, most=USERS_MOST),
)


class Registration:
    """The endpoint, and the hasher it needs. `clock` tells seconds that only grow."""

    def __init__(self, hash_password: HashPassword, clock: Callable[[], float] = time.monotonic) -> None:
        self._hash_password = hash_password
        self._clock = clock

    async def run(self, ask: Ask, broker: Broker) -> Answer:
        """JM-01. Register up to 500 users, each of whom succeeds or fails alone."""
        entries = listed(ask.json())
        until = self._clock() + SECONDS
        answers: list[Data] = []
        registered: set[str] = set()
        halt: Refused | None = None
        for entry in entries:
            name = entry.get("username")
            shown = str(name) if type(name) in (str, int) else ""
            try:
                if halt is not None:
                    raise halt
                if self._clock() > until:
                    raise Refused(Reason.OVERLOADED, retry_after_ms=1000)
                await self.register(ask, broker, new_name(name), entry, registered)
                answers.append({"username": shown})
            except Refused as refused:
                if halt is None and refused.reason in RETRY_LATER:
                    if not registered:
                        raise
                    halt = refused
                line = rendering_of(refused)
                answers.append({"username": shown, "error": {"code": line.code, "message": line.text}})
        return json_answer(answers, 201)

    async def register(self, ask: Ask, broker: Broker, name: str, entry: Data, registered: set[str]) -> None:
        password = checked_password(entry.get("password"))
        profile = {field: value for field, value in changes(entry).items() if value is not None}
        if name in registered or await known(ask, broker, name):
            raise Failed(USER_EXISTS)
        command = PutUser(
            user=name,
            attributes=write_json(profile),
            password=await self._hash_password(password),
            must_be_new=True,
        )
        await broker.call(ask.managed(command))
        registered.add(name)


def listed(value: object) -> list[Data]:
    """The body as a list of objects. 899013 beyond 500 (JM-33)."""
    if not isinstance(value, list) or not value:
        raise Refused(Reason.BAD_FORMAT, "The body must be a list of users.")
    if len(value) > USERS_MOST:
        raise Failed(LONG_LIST)
    if not all(isinstance(entry, dict) for entry in value):
        raise Refused(Reason.BAD_FORMAT, "Each user must be an object with username and password.")
    return cast(list[Data], value)


def new_name(value: object) -> str:
    """JM-41."""
    if value is None or value == "":
        missing("username")
    name = str(value) if type(value) is int else value
    if not isinstance(name, str) or not NEW_NAME.fullmatch(name):
        bad("username", "1 to 128 letters, digits, '_', '.', '-' or '@', the first a letter or a digit")
    return name


def checked_password(value: object) -> str:
    """As it came: an MD5 in hex is a password like any other (JM-40)."""
    if value is None:
        missing("password")
    if not isinstance(value, str):
        bad("password", "text")
    if len(value.encode()) not in PASSWORD_BYTES:
        raise Failed(PASSWORD, "A password has 4 to 128 bytes.")
    return value


async def known(ask: Ask, broker: Broker, name: str) -> bool:
    try:
        await broker.call(ask.managed(GetUser(user=name)))
    except Refused as refused:
        if refused.reason is Reason.UNKNOWN_USER:
            return False
        raise
    return True
