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


class StatsReport(Reply):
    """`counters` by metric name without the `parley_` prefix; a name may carry Prometheus labels in braces."""

    counters: dict[str, float]
