"""Marks of classes: one row a class, of the last day it was told something (HI-14).

The ids of classes are the back office's own, so nothing says which there are; the number of rows is therefore bounded, and
a mark of an earlier day, which stops nobody any more, makes room for a new one.
"""

from __future__ import annotations

from broker.hub.decision import Decision
from broker.hub.hub import handles
from broker.hub.rows import ClassMarkRow
from protocol.commands import MarkClass, Marked
from protocol.errors import Reason, Refused

ZONE_MS = 8 * 3_600_000
"""The day begins at midnight of +08:00, where the seed's schools are."""
DAY_MS = 86_400_000
MOST_CLASSES = 10_000


@handles(MarkClass)
def mark(d: Decision, c: MarkClass) -> Marked:
    marks = d.hub.tables.class_marks
    day = (d.now + ZONE_MS) // DAY_MS
    known = marks.get(c.class_id)
    if known is not None and known.day == day:
        raise Refused(Reason.EXISTS, f"class {c.class_id} has been told something today already")
    if known is None and len(marks) >= MOST_CLASSES:
        oldest = min(marks.values(), key=lambda row: row.at_ms)
        if oldest.day == day:
            raise Refused(Reason.FULL, f"{MOST_CLASSES} classes have been told something today, which is the most")
        d.delete("class_marks", oldest.class_id)
    row = ClassMarkRow(c.class_id, day, d.hub.mint.next(d.now), d.now)
    d.put("class_marks", row)
    return Marked(record=row.record)
