"""Uploading a file: ML-44."""

from __future__ import annotations

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.maxleap.codes import PICTURE, Failed
from protocol.errors import Reason, Refused
from protocol.wires.native.fields import missing

routes = Routes()

PATH = "/attachment"


@routes.add("POST", PATH, uploads=True)
async def upload(ask: Ask, broker: Broker) -> Answer:
    """Multipart field `attachment` -> the URL, and behind it that of a thumbnail if there is one."""
    file = ask.uploads.get("attachment")
    if file is None:
        missing("attachment")
    if file.size == 0:
        raise Refused(Reason.BAD_FILE, "The file is empty.")
    try:
        small = await file.thumbnail()
    except Refused as refused:
        if refused.reason is not Reason.BAD_FILE:
            raise
        raise Failed(PICTURE, refused.detail) from None
    return json_answer([await each.keep() for each in (file, small) if each is not None])
