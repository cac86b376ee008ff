"""What `parley doctor` finds, as far as it can be found from within the running program.

The law: it only looks, in a thread, and at most every KEPT_SECONDS, however many pages ask. What takes long (the chain of
the audit log, the journal) is left to the command.
"""

from __future__ import annotations

from collections.abc import Mapping

import trio

from adminapi.audit.witness import Audit
from adminapi.dialects.parley.services import Check
from adminapi.doctor import Finding, behind, clock, data, limits, owners, versions
from adminapi.repeats.calls import Repeats
from adminapi.sayings import parts, said
from adminapi.settings import Place
from protocol.commands import WatermarkReport

KEPT_SECONDS = 5.0


class Health:
    def __init__(self, place: Place, audit: Audit, repeats: Repeats) -> None:
        self._place = place
        self._audit = audit
        self._repeats = repeats
        self._lock = trio.Lock()
        self._found: list[Finding] = []
        self._good_until = 0.0

    async def checks(self, mark: WatermarkReport | None, counters: Mapping[str, float]) -> list[Check]:
        """`mark` and `counters`: what the broker says of itself, None and nothing while it is away."""
        async with self._lock:
            if trio.current_time() >= self._good_until:
                self._found = await trio.to_thread.run_sync(self._look)
                self._good_until = trio.current_time() + KEPT_SECONDS
        found = [*self._found, self._log(), self._keys()]
        if mark is None:
            todo = said("look into its log; `parley doctor` on the server says more")
            found.append(Finding(False, said("broker: it is away"), todo))
        else:
            found += [Finding(True, said("broker: it answers")), *behind(mark, counters)]
        return [check(finding) for finding in found]

    def _look(self) -> list[Finding]:
        return [versions(), data(self._place), *owners(self._place), limits(self._place), clock(self._place)]

    def _log(self) -> Finding:
        if self._audit.fault:
            todo = said("make room, or give the folder to the user of the data directory; until then changes are refused")
            return Finding(False, said("audit log: it cannot be written: {fault}", fault=self._audit.fault), todo)
        return Finding(True, said("audit log: it can be written"))

    def _keys(self) -> Finding:
        if self._repeats.fault:
            todo = said("make room, or do what `parley doctor` says; until then POSTs with an Idempotency-Key are refused")
            return Finding(False, said("repeats: answers cannot be kept: {fault}", fault=self._repeats.fault), todo)
        return Finding(True, said("repeats: POSTs with an Idempotency-Key are done once"))


def check(finding: Finding) -> Check:
    name, _, text = finding.text.partition(": ")
    words, values = parts(finding.text)
    advice, more = parts(finding.todo)
    return Check(
        name=name,
        ok=finding.sound,
        text=text,
        advice=str(finding.todo),
        words=words.partition(": ")[2],
        advice_words=advice,
        values={**values, **more},
    )
