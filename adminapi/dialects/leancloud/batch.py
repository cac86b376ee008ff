"""Several calls on `_Conversation` in one request, as the vendor's storage SDKs save lists of objects (LC-30).

The law: each is the endpoint of that call (`classes`), run after the one before it with the caller's own proof; one that is
refused says so in its place, and the others are carried out all the same.
"""

from __future__ import annotations

import re

from adminapi.dialect import Answer, Ask, Broker, Endpoint, Query, Routes, json_answer
from adminapi.dialects.leancloud import classes, fields, schemas
from adminapi.dialects.leancloud.codes import RENDERINGS
from adminapi.schemas import About
from protocol.codec import read_json, write_json
from protocol.errors import Reason, Refused
from protocol.wires.native.fields import Data, as_object, bad, missing

routes = Routes()

MOST = 50
"""Calls in one request, as the vendor has it."""


@routes.add("POST", "/1.1/batch", about=About(answer=schemas.BATCH_DONE, body=schemas.BATCH))
async def batch(ask: Ask, broker: Broker) -> Answer:
    """LC-30. Carry out up to 50 calls on `/1.1/classes/_Conversation`, one after the other."""
    calls = fields.document(ask).get("requests")
    if calls is None:
        missing("requests")
    if not isinstance(calls, list) or len(calls) > MOST:
        bad("requests", f"a list of at most {MOST} calls")
    return json_answer([await one(ask, broker, each) for each in calls])


async def one(ask: Ask, broker: Broker, call: object) -> Data:
    """`{"success": its answer}`, or `{"error": {"code", "error"}}`."""
    try:
        endpoint, inner = meant(ask, as_object(call, "Each of requests"))
        return {"success": read_json((await endpoint.run(inner, broker)).body)}
    except Refused as refused:
        rendering = RENDERINGS[refused.reason]
        return {"error": {"code": rendering.code, "error": rendering.text or refused.detail}}


def meant(ask: Ask, call: Data) -> tuple[Endpoint, Ask]:
    """The endpoint of a call, and the call as a request of its own. BAD_FORMAT."""
    method, path = call.get("method"), call.get("path")
    body, params = (as_object({} if call.get(key) is None else call[key], key) for key in ("body", "params"))
    for endpoint in classes.routes:
        named = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", endpoint.path), str(path))
        if named is not None and endpoint.method == method:
            inner = Ask(
                method=endpoint.method,
                url_path=str(path),
                path=named.groupdict(),
                query=Query({key: [said(value)] for key, value in params.items()}),
                headers=ask.headers,
                body=write_json(body),
                remote=ask.remote,
                base_url=ask.base_url,
                now_s=ask.now_s,
            )
            inner.caller = ask.caller
            return endpoint, inner
    detail = f"{str(method)[:16]} {str(path)[:128]} is no call that a batch can hold: those on {classes.PATH} are."
    raise Refused(Reason.BAD_FORMAT, detail)


def said(value: object) -> str:
    """As it would stand in the query."""
    return value if isinstance(value, str) else write_json(value).decode()
