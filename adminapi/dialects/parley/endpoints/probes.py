"""What machines ask: alive, ready, metrics."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.parley.endpoints.shapes import NO_APP
from adminapi.dialects.parley.schemas import installation as schemas
from adminapi.dialects.parley.services import Services
from adminapi.schemas import About
from protocol.commands import Stats, StatsReport, sample
from protocol.errors import Reason, Refused

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

WARNINGS = {
    "storage_available": "Nothing that has to be kept is taken: the disk is full, the data directory has moved, or the "
    "store is too far behind.",
    "store_available": "parley.db cannot be written. Nothing is lost: what comes in waits in the journal.",
    "postgresql_available": "PostgreSQL does not answer. Nothing is lost: messages wait in the journal; history older than "
    "these cannot be read.",
}
"""By the counter that is 0 then."""
WARNING_SECONDS = 1.0
"""Strangers may ask; the broker is asked so often at most."""

METRICS_SECONDS = 3.0
"""Below the 10 s Prometheus waits."""


class Probes:
    """Its routes, and what was found last."""

    def __init__(self, services: Services) -> None:
        self._own_metrics = services.own_metrics
        self._warnings: tuple[str, ...] = ()
        self._warnings_until = 0.0
        self._ending = False
        self.routes = Routes()
        self.routes.add("GET", "/-/health", about=About(answer=schemas.HEALTH), open=True)(self.health)
        ready = About(answer=schemas.READY, others={503: schemas.NOT_READY})
        self.routes.add("GET", "/-/ready", about=ready, open=True)(self.ready)
        metrics = About(answer=schemas.METRICS, type=METRICS_TYPE)
        self.routes.add("GET", "/-/metrics", about=metrics, alone=True)(self.metrics)

    async def health(self, ask: Ask, broker: Broker) -> Answer:
        """Whether this process is alive.

        Nothing is said about the broker."""
        return json_answer({"alive": True})

    async def ready(self, ask: Ask, broker: Broker) -> Answer:
        """Whether calls can be served.

        200 while the broker is reached, takes calls and the table of apps is known, else 503; more is in the log, not for
        strangers.
        `warnings` are there if something behind the broker does not work, which calls can be served without."""
        if broker.apps is None:
            return json_answer({"ready": False, "reason": "The broker is away."}, 503)
        if monotonic() >= self._warnings_until:
            self._warnings_until = monotonic() + WARNING_SECONDS
            try:
                report = cast(StatsReport, await broker.call(Stats(), deadline_seconds=WARNING_SECONDS))
            except Refused as refused:  # it is busy; what was found last still stands
                self._ending = refused.reason is Reason.GOING_AWAY
            else:
                self._ending = False
                self._warnings = tuple(WARNINGS[name] for name in WARNINGS if report.counters.get(name) == 0)
        if self._ending:
            return json_answer({"ready": False, "reason": "The broker is about to restart."}, 503)
        return json_answer({"ready": True, **({"warnings": self._warnings} if self._warnings else {})})

    async def metrics(self, ask: Ask, broker: Broker) -> Answer:
        """Metrics, as Prometheus text.

        Everything for the operator; for a master key the samples that carry its app's label. While the broker does not
        answer there are the admin API's own, and `parley_broker_up` is 0; master keys are not known then."""
        counters: Mapping[str, float] | None = None
        with suppress(Refused):
            counters = cast(StatsReport, await broker.call(Stats(), deadline_seconds=METRICS_SECONDS)).counters
        whole = ask.app is NO_APP
        if counters is not None and not whole:
            label = sample("", app=ask.app.id)[1:-1]
            counters = {name: value for name, value in counters.items() if label in name}
        return Answer(body=self._own_metrics(counters, whole), type=METRICS_TYPE)
