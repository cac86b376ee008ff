"""Answers that go on: lines of JSON, until there is no more to say or nobody may hear it.

The law: who is heard is asked before every line, as before every other answer; a token that is over, an account that has
changed or a key that was taken back ends the stream within a second. What the broker cannot say for now is a line
`{"fault": ..., "reason": ...}`; what is watched goes on then, what has an end has come to it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from time import time

from adminapi.dialect import Answer, Ask, Broker, Caller
from adminapi.schemas import Schema, obj, text
from protocol.apps import App
from protocol.codec import write_json
from protocol.errors import Reason, Refused

NDJSON = "application/x-ndjson"
Admit = Callable[[Ask, Mapping[str, App]], Caller]
Line = Mapping[str, object] | None
"""None: there is nothing to say just now."""
Lines = AsyncGenerator[Line, None]
FAULT: Schema = obj(
    {
        "fault": text("What cannot be said for now, and why. What is watched goes on."),
        "reason": text("The same as the word of a refusal.", among=[reason.value for reason in Reason]),
    }
)


async def streamed(ask: Ask, broker: Broker, admit: Admit, lines: Lines) -> Answer:
    """The first line is waited for, so what cannot be is refused as anywhere else."""
    first = await anext(lines)
    return Answer(type=NDJSON, headers=(("Cache-Control", "no-store"),), pieces=pieces(ask, broker, admit, first, lines))


async def pieces(ask: Ask, broker: Broker, admit: Admit, first: Line, rest: Lines) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        if first is not None:
            yield encoded(first)
        try:
            async for line in rest:
                ask.now_s = time()
                try:
                    ask.caller = admit(ask, broker.apps or {})  # whose app may have changed since
                except Refused:
                    return
                if line is not None:
                    yield encoded(line)
        except Refused as refused:
            yield encoded(fault(refused))


def encoded(line: Mapping[str, object]) -> bytes:
    return write_json(line) + b"\n"


def fault(refused: Refused) -> Mapping[str, object]:
    return {"fault": refused.detail, "reason": refused.reason.value}
