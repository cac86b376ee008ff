"""Answers that go on: lines of JSON, until there is no more to say or nobody may hear it.

The law: who is heard is asked before every line, as before every other answer; a token that is over, an account that has
changed or a key that was taken back ends the stream within a second. What the broker cannot say for now is a line
`{"fault": ...}`, and the stream goes on.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from time import time

from adminapi.dialect import Answer, Ask, Broker, Caller
from adminapi.schemas import Schema, obj, text
from protocol.apps import App
from protocol.codec import write_json
from protocol.errors import Refused

NDJSON = "application/x-ndjson"
Admit = Callable[[Ask, Mapping[str, App]], Caller]
Line = Mapping[str, object] | None
"""None: there is nothing to say just now."""
Lines = AsyncGenerator[Line, None]
FAULT: Schema = obj({"fault": text("What the broker cannot say for now, and why. The stream goes on.")})


def streamed(ask: Ask, broker: Broker, admit: Admit, lines: Lines) -> Answer:
    return Answer(type=NDJSON, headers=(("Cache-Control", "no-store"),), pieces=pieces(ask, broker, admit, lines))


async def pieces(ask: Ask, broker: Broker, admit: Admit, lines: Lines) -> AsyncGenerator[bytes, None]:
    async with aclosing(lines):
        async for line in lines:
            ask.now_s = time()
            try:
                ask.caller = admit(ask, broker.apps or {})  # whose app may have changed since
            except Refused:
                return
            if line is not None:
                yield write_json(line) + b"\n"


def fault(refused: Refused) -> Line:
    return {"fault": refused.detail}
