"""What adminapi counts of itself, and the Prometheus text of both programs together.

The law: label values come from closed sets (dialect names, HTTP statuses), so no caller can grow the table. The broker's
counters arrive as a `StatsReport`, names without prefix and with their labels in braces already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from protocol.clients import logs

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second sample a counter, of use to nobody here
PART = re.compile(r"_(bucket|sum|count)\Z")
"""What the names of a histogram's samples end with."""
NAME = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)(\{.*\})?")


class Metrics:
    """adminapi's own counters."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._answers = Counter("parley_admin_answers", "HTTP answers sent.", ["dialect", "status"], registry=self._registry)
        self._seconds = Histogram(
            "parley_admin_answer_seconds", "From request to answer.", ["dialect"], registry=self._registry
        )
        self._up = Gauge("parley_broker_up", "1 while the broker answers.", registry=self._registry)
        self._lost = Counter("parley_admin_log_lines_dropped", "Lines nobody took in time.", registry=self._registry)
        self._told_lost = 0
        self._connections = Gauge("parley_admin_connections", "Open connections.", registry=self._registry)
        self._crowded = Counter(
            "parley_admin_connections_crowded", "Connections refused, one too many of an address.", registry=self._registry
        )

    def count(self, dialect: str, status: int, seconds: float) -> None:
        self._answers.labels(dialect, str(status)).inc()
        self._seconds.labels(dialect).observe(seconds)

    def connections(self, count: int) -> None:
        self._connections.set(count)

    def crowded(self) -> None:
        self._crowded.inc()

    def text(self, broker: Mapping[str, float] | None, whole: bool) -> bytes:
        """Prometheus text, ours and then the broker's; None: it does not answer. Not `whole`: of ours only what is no other
        app's business, whether the broker is there."""
        self._up.set(broker is not None)
        lost, self._told_lost = logs.dropped() - self._told_lost, logs.dropped()
        self._lost.inc(lost)
        shown = self._registry if whole else self._registry.restricted_registry(["parley_broker_up"])
        return generate_latest(shown) + broker_text(broker or {})


def broker_text(counters: Mapping[str, float]) -> bytes:
    """Lines of one family together, each family once with its type; a name that is none is left out."""
    found = [(match, value) for name, value in counters.items() if (match := NAME.fullmatch(name))]
    histograms = {match[1].removesuffix("_bucket") for match, _ in found if match[1].endswith("_bucket")}
    families: dict[str, list[str]] = {}
    for match, value in found:
        family = PART.sub("", match[1])
        family = family if family in histograms else match[1]
        families.setdefault(family, []).append(f"parley_{match[0]} {float(value)!r}")
    lines: list[str] = []
    for family, samples in sorted(families.items()):
        kind = "histogram" if family in histograms else "counter" if family.endswith("_total") else "gauge"
        lines += [f"# TYPE parley_{family} {kind}", *samples]
    return "".join(line + "\n" for line in lines).encode()
