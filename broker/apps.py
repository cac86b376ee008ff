"""The table of apps and their hubs. The broker owns both; adminapi mirrors the table (DESIGN 5).

Entries of the settings file are `fixed`: they change with the file only. Removing one disables the app and deletes
nothing; others come and go by `parley app add`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from broker.hub.effects import Effect, EndSession, Post
from broker.hub.hub import Hub
from broker.hub.rows import AppRow, Image, put
from protocol.apps import App
from protocol.commands import AppTable
from protocol.errors import CloseReason, Reason, Refused
from protocol.pushes import AppsChanged
from protocol.wires.wire import Ending


class Apps:
    def __init__(self, make_hub: Callable[[App], Hub]) -> None:
        self.hubs: dict[str, Hub] = {}
        self._fixed: set[str] = set()
        self._make_hub = make_hub

    def open(self, name: str) -> Hub:
        """The hub a login wants. UNKNOWN_APP also for a disabled one: it says no more to strangers."""
        hub = self.hubs.get(name)
        if hub is None or hub.app.disabled:
            raise Refused(Reason.UNKNOWN_APP, f"there is no app {name}")
        return hub

    def admitted(self, name: str, rev: int) -> Hub:
        """The hub a management call wants, admitted under version `rev` of its app (0: by the operator's own tool)."""
        hub = self.open(name)
        if rev and rev != hub.app.rev:
            raise Refused(Reason.UNAUTHORIZED, "the app's keys or settings have just changed; ask again")
        return hub

    def load(self, row: AppRow) -> None:
        """A row of the table `apps`, at start or just committed."""
        app = msgspec.json.decode(row.body, type=App)
        (self._fixed.add if row.fixed else self._fixed.discard)(app.id)
        hub = self.hubs.get(app.id)
        if hub is None:
            self.hubs[app.id] = self._make_hub(app)
        else:
            hub.app = app

    def add(self, app: App) -> list[Image]:
        """Add or change an app at run time."""
        if app.id in self._fixed:
            raise Refused(Reason.EXISTS, f"app {app.id} is set in the settings file; change it there and reload")
        return self._put(msgspec.structs.replace(app, fixed=False), fixed=False)

    def configure(self, apps: Iterable[App]) -> list[Image]:
        """Make the fixed apps those of the settings file."""
        images: list[Image] = []
        wanted = {app.id: app for app in apps}
        for name in self._fixed - set(wanted):
            images += self._put(msgspec.structs.replace(self.hubs[name].app, disabled=True), fixed=True)
        for app in wanted.values():
            images += self._put(app, fixed=True)
        return images

    def _put(self, app: App, *, fixed: bool) -> list[Image]:
        """Nothing if nothing is new; else the row, applied already."""
        known = self.hubs.get(app.id)
        if known is not None:
            app = msgspec.structs.replace(app, rev=known.app.rev)
            if app == known.app and fixed == (app.id in self._fixed):
                return []
            app = msgspec.structs.replace(app, rev=known.app.rev + 1)
        row = AppRow(app.id, msgspec.json.encode(app), fixed)
        self.load(row)
        return [put("", "apps", row)]

    def table(self) -> AppTable:
        fixed = self._fixed
        return AppTable(apps=[msgspec.structs.replace(hub.app, fixed=name in fixed) for name, hub in self.hubs.items()])

    def changed(self, watchers: list[int]) -> list[Effect]:
        """Tell adminapi; sessions of a disabled app end."""
        effects: list[Effect] = [Post(watchers, AppsChanged(app="", apps=tuple(self.table().apps)))] if watchers else []
        for hub in self.hubs.values():
            if hub.app.disabled:
                ending = Ending(CloseReason.KICKED, text="this app has been switched off")
                effects += [EndSession(session, ending) for session in hub.sessions]
        return effects
