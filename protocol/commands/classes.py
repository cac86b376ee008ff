"""Marks of classes: that a class was told something today (HI-14). Nothing is sent; the mark is all there is."""

from __future__ import annotations

from typing import ClassVar

from protocol.commands.base import Command, Reply


class MarkClass(Command):
    """Mark a class, once a day (of the zone +08:00); EXISTS if it is marked today, FULL if 10,000 classes are. Management
    only. Replies Marked."""

    management: ClassVar[bool] = True
    durable: ClassVar[bool] = True
    class_id: int


class Marked(Reply):
    """`record` is the mark's own id."""

    record: int
