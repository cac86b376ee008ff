"""What adminapi counts of itself, and the Prometheus text of both programs together.

The law: label values come from closed sets (dialect names, HTTP statuses), so no caller can grow the table. The broker's
counters arrive as a `StatsReport`, names without prefix and with their labels in braces already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second sample a counter, of use to nobody here
NAME = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)(\{.*\})?")


class Metrics:
    """adminapi's own counters."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._answers = Counter("parley_admin_answers", "HTTP answers sent.", ["dialect", "status"], registry=self._registry)
        self._seconds = Histogram(
            "parley_admin_answer_seconds", "From request to answer.", ["dialect"], registry=self._registry
        )
        self._ready = Gauge("parley_admin_ready", "1 while the broker is reached.", registry=self._registry)

    def count(self, dialect: str, status: int, seconds: float) -> None:
        self._answers.labels(dialect, str(status)).inc()
        self._seconds.labels(dialect).observe(seconds)

    def text(self, ready: bool, broker: Mapping[str, float]) -> bytes:
        """Prometheus text, ours and then the broker's."""
        self._ready.set(ready)
        return generate_latest(self._registry) + broker_text(broker)


def broker_text(counters: Mapping[str, float]) -> bytes:
    """Lines of one family together, each family once with its type; a name that is none is left out."""
    families: dict[str, list[str]] = {}
    for name, value in counters.items():
        if match := NAME.fullmatch(name):
            families.setdefault(match[1], []).append(f"parley_{name} {float(value)!r}")
    lines: list[str] = []
    for family, samples in sorted(families.items()):
        kind = "counter" if family.endswith("_total") else "gauge"
        lines += [f"# TYPE parley_{family} {kind}", *samples]
    return "".join(line + "\n" for line in lines).encode()
