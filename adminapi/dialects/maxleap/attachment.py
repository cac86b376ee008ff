"""Uploading a file: ML-44."""

from __future__ import annotations

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.maxleap import schemas
from adminapi.dialects.maxleap.codes import PICTURE, Failed
from adminapi.schemas import About
from protocol.errors import Reason, Refused
from protocol.wires.native.fields import missing

routes = Routes()

PATH = "/attachment"


@routes.add("POST", PATH, uploads=True, about=About(answer=schemas.URLS, body=schemas.ATTACHMENT))
async def upload(ask: Ask, broker: Broker) -> Answer:
    """ML-44. Upload a file, of at most the app's `file_bytes`.

    A picture that can be read has a thumbnail, of at most 128 by 128. Both are kept for the app's `file_days`."""
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
