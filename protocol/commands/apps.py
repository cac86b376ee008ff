"""Commands to the broker itself rather than to one app's hub: the table of apps, and counts."""

from __future__ import annotations

from typing import ClassVar

from protocol.apps import App
from protocol.commands.base import Command, Reply


class WatchApps(Command):
    """Answer the table of apps now, and push `AppsChanged` whenever it changes. Control wire only."""

    reads: ClassVar[bool] = True


class AppTable(Reply):
    apps: list[App]


class AddApp(Command):
    """Add an app, or change one that was added this way. EXISTS if the id belongs to an `[[app]]` of the settings file."""

    durable: ClassVar[bool] = True
    app: App


class Stats(Command):
    """Counts of the broker, for `parley stats` and `/-/metrics`."""

    reads: ClassVar[bool] = True


def sample(name: str, **labels: str) -> str:
    """The name of one counter among those of this name: with its labels in braces, as Prometheus writes them."""
    escaped = (f'{label}="{value}"' for label, value in ((label, escape(text)) for label, text in labels.items()))
    return f"{name}{{{','.join(escaped)}}}"


def escape(text: str) -> str:
    """A label's value between its quotes."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


class StatsReport(Reply):
    """`counters` by metric name without the `parley_` prefix; a name may carry Prometheus labels in braces (`sample`). A
    histogram's are those of its name with `_bucket`, `_sum` and `_count` behind it."""

    counters: dict[str, float]
