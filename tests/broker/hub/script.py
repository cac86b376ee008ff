"""A hub driven as a script: commands in, what each session receives and what the journal holds out. No trio, no sockets.

The dispatcher is the real one; the log and the store behind it are kept in memory, and the clock stands still until the
script moves it. `Script.disk = "slow"` makes commits wait for `sync()`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from broker.apps import Apps
from broker.clock import Clock
from broker.commits import Commits
from broker.dispatcher import Dispatcher
from broker.hub.effects import Effect, EndSession, Post, ReplyTo
from broker.hub.hub import Hub
from broker.hub.recent import FetchedRow, Key, MessageKey, MessagesKey, OldKey, SendsKey
from broker.hub.rows import Image
from broker.jobs import Compare, Fetch, Job
from broker.persistence.store import belongs
from protocol.apps import App, AppSettings
from protocol.commands import Command, Login, Managed, Reply
from protocol.errors import CloseReason, Refused
from protocol.ids import Mint
from protocol.pushes import Push
from protocol.records import Message

START_MS = 1_800_000_000_000


class MemoryLog:
    """A journal that is a list. Durable at once, or at `sync()`."""

    def __init__(self) -> None:
        self.commits: list[list[Image]] = []
        self.durable = 0
        self.slow = False
        self.failed: BaseException | None = None
        self.in_flight_since: float | None = None
        self.pending: list[Image] | None = None
        self._flying: tuple[int, list[Image]] | None = None

    @property
    def idle(self) -> bool:
        return self._flying is None

    def append(self, number: int, body: bytes) -> None:
        assert self._flying is None
        assert number == self.durable + 1
        assert self.pending is not None
        self._flying = (number, self.pending)
        if not self.slow:
            self.sync()

    def sync(self) -> None:
        if self._flying is not None:
            self.durable = self._flying[0]
            self.commits.append(self._flying[1])
            self._flying = None

    def drain(self) -> None:
        """There is no event to clear."""

    def encode(self, images: list[Image]) -> bytes:
        self.pending = images
        return b""


class MemoryTail:
    """Keeps every row; `limit` hides old messages from the hub, as if only the store had them."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, tuple[Any, ...]], Any] = {}
        self.by_seq: dict[int, dict[int, Message]] = {}
        self.hidden = False

    def add(self, commit: int, image: Image) -> None:
        if image.row is None:
            self.rows.pop((image.table, image.key), None)
            return
        self.rows[image.table, image.key] = image.row
        if image.table == "messages":
            self.by_seq.setdefault(image.row.conversation, {})[image.row.seq] = image.row

    def message(self, message: int) -> Message | None:
        return None if self.hidden else self.rows.get(("messages", (message,)))

    def messages(self, conversation: int, lo: int, hi: int) -> list[Message] | None:
        kept = self.by_seq.get(conversation, {})
        if self.hidden:
            return None
        return [kept[seq] for seq in range(lo, hi + 1)] if all(seq in kept for seq in range(lo, hi + 1)) else None

    def fetch(self, key: Key) -> list[FetchedRow]:
        if isinstance(key, MessagesKey):
            kept = self.by_seq.get(key.conversation, {})
            return [kept[seq] for seq in range(key.lo, key.hi + 1) if seq in kept]
        if isinstance(key, MessageKey):
            row = self.rows.get(("messages", (key.message,)))
            return [row] if row is not None else []
        if isinstance(key, OldKey):
            return [row for (table, _), row in self.rows.items() if table == "messages" and belongs(row, key)]
        if isinstance(key, SendsKey):
            return [row for (table, at), row in self.rows.items() if table == "sends" and at[:2] == (key.user, key.device)]
        found = [
            row
            for (table, at), row in self.rows.items()
            if table == "patches" and at[0] == key.conversation and row.changed > key.since
        ]
        found.sort(key=lambda row: row.number)
        return found[-key.limit :] if key.last else found[: key.limit]


class Script:
    """Apps, sessions by name, and all that came out."""

    def __init__(self, *apps: App) -> None:
        self.ms = START_MS
        self.monotonic = 0.0
        self.log = MemoryLog()
        self.tails: dict[str, MemoryTail] = {}
        self.jobs: deque[Job] = deque()
        self.hold_jobs = False
        self.mint = Mint()
        self.boot(apps or (app(),))

    def boot(self, apps: Iterable[App] = (), images: Iterable[list[Image]] = ()) -> None:
        self.received: dict[int, list[Reply | Refused | Push | CloseReason]] = {}
        self.replies: dict[object, Reply | Refused] = {}
        self.numbers: dict[str, int] = {}
        self.requests = 0
        self.ended: list[int] = []
        self.outgoing: deque[Effect] = deque()
        clock = Clock(lambda: self.ms / 1000, lambda: self.monotonic)
        self.apps = Apps(self.make_hub)
        self.commits = Commits(
            self.log,
            self.log.encode,
            lambda number, images, size: None,
            self.log.durable + 1,
            self.outgoing,
            lambda: self.monotonic,
        )
        self.core = Dispatcher(self.apps, self.commits, clock, self.start, (), dict)
        for commit in images:
            for image in commit:
                if image.table == "apps":
                    self.apps.load(image.row)
                else:
                    self.apps.hubs[image.app].tables.apply(image, 1)
        self.core.change_apps(self.apps.configure(apps or [hub.app for hub in self.apps.hubs.values()]))
        self.run()

    def restart(self) -> None:
        """What a start makes of the journal alone."""
        kept = {name: tail for name, tail in self.tails.items()}
        commits = list(self.log.commits)
        self.tails = {}
        apps = [hub.app for hub in self.apps.hubs.values()]
        self.boot(apps, commits)
        for name, tail in kept.items():
            assert self.tails[name].rows == tail.rows

    def make_hub(self, app: App) -> Hub:
        tail = self.tails.setdefault(app.id, MemoryTail())
        return Hub(app, tail, self.mint, "e")

    def hub(self, name: str = "a") -> Hub:
        return self.apps.hubs[name]

    def start(self, job: Job) -> bool:
        self.jobs.append(job)
        return True

    def do_jobs(self) -> None:
        while self.jobs:
            job = self.jobs.popleft()
            if isinstance(job, Fetch):
                tail = self.tails[job.hub.app.id]
                job.done({key: tail.fetch(key) for key in job.keys})
            else:
                assert isinstance(job, Compare), job
                job.done(job.password == job.hash)

    def run(self) -> None:
        """Turns until nothing is left to do but what waits for a slow disk or for held jobs."""
        for _ in range(1000):
            self.core.advance()
            while self.outgoing:
                self.perform(self.outgoing.popleft())
            if not self.hold_jobs:
                self.do_jobs()
            waits = self.log.slow and not self.log.idle
            if (self.commits.settled or waits) and not self.core.wants_turn() and (self.hold_jobs or not self.jobs):
                return
        raise AssertionError("the script does not come to rest")

    def perform(self, effect: Effect) -> None:
        if isinstance(effect, ReplyTo):
            self.replies[effect.request] = effect.reply
            self.received.setdefault(effect.session, []).append(effect.reply)
        elif isinstance(effect, Post):
            for session in effect.sessions:
                if session != effect.skip and session not in self.ended:
                    self.received.setdefault(session, []).append(effect.push)
        elif isinstance(effect, EndSession):
            self.received.setdefault(effect.session, []).append(effect.ending.reason)
            self.ended.append(effect.session)

    def pass_ms(self, ms: int) -> None:
        while ms > 0:
            step = min(ms, 250)
            self.ms += step
            self.monotonic += step / 1000
            ms -= step
            self.run()

    # Doing things.

    def ask(self, session: int, command: Command | Managed) -> Reply | Refused | None:
        """Submit and run; the reply, or None if it is still held back."""
        self.requests += 1
        request = self.requests
        self.core.submit(session, request, command)
        self.run()
        return self.replies.get(request)

    def number(self, name: str) -> int:
        return self.numbers.setdefault(name, 1000 + len(self.numbers))

    def login(self, name: str, user: str = "", **fields: Any) -> Any:
        """Log a connection in; `name` is what the script calls it."""
        fields.setdefault("app", "a")
        return self.ask(self.number(name), Login(user=user or name, **fields))

    def say(self, name: str, command: Command) -> Any:
        return self.ask(self.numbers[name], command)

    def manage(self, command: Command, *, app: str = "a", user: str = "", privileged: bool = True) -> Any:
        return self.ask(1, Managed(app=app, rev=0, user=user, privileged=privileged, command=command))

    def drop(self, name: str) -> None:
        self.core.gone(self.numbers[name])
        self.run()

    def heard(self, name: str) -> list[Any]:
        """What came to this connection since last asked."""
        return self.received.pop(self.numbers[name], [])

    def pushes(self, name: str) -> list[Any]:
        return [each for each in self.heard(name) if isinstance(each, Push)]


def app(name: str = "a", **settings: Any) -> App:
    settings = {
        "token_required": False,
        "sends_per_minute": 0,
        "history_per_minute": 0,
        "others_per_minute": 0,
        "requests_per_second": 0,
        **settings,
    }
    return App(id=name, key="k", master_key="m", secret="s", settings=AppSettings(**settings))
