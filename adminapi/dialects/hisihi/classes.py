"""Telling a class something, which only leaves a mark: HI-14."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.hisihi import parameters, schemas
from adminapi.dialects.hisihi.codes import TOLD_TODAY, shown_as
from adminapi.schemas import About
from protocol.commands import MarkClass, Marked
from protocol.errors import Reason

routes = Routes()


@routes.add("POST", "/im/org/{class_id}/message", about=About(answer=schemas.MARKED, status=201))
async def mark_class(ask: Ask, broker: Broker) -> Answer:
    """HI-14. Mark a class as told something today.

    Nothing is sent. Once a day, of +08:00; again is 7007."""
    number = parameters.number(ask.path["class_id"], "class_id")
    with shown_as(TOLD_TODAY, Reason.EXISTS, Reason.FULL):
        marked = cast(Marked, await broker.call(ask.managed(MarkClass(class_id=number))))
    return json_answer({"class_id": number, "push_history_record_id": marked.record}, 201)
