"""A real browser beside both programs: one Chromium and one `parley up` for a test file.

The law: whatever a test does, its pages write no error to the browser's console, no exception goes uncaught, and no request
leaves the host; what a test provokes on purpose it names first (`Watch.expect`). Each test leaves a picture of every page it
ends with in `screenshots`, in the folder pytest keeps its temporary files in (`--basetemp`).
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from adminapi.operators.accounts import Accounts
from tests.journeys.programs import Up

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
OPERATOR_TOKEN = "the-operators-token"
PASSWORD = "correct horse"
SLOW_MS = 10_000
"""What a page has to show is there within so long; most waits are much shorter."""

OpenPage = Callable[..., "Page"]
SignIn = Callable[..., "Page"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs Playwright for Python: pip install -e '.[test]'", exc_type=ImportError
    )
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with asyncios_own_loops(), playwright.sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=program, args=OPTIONS)
        yield browser
        browser.close()


@contextmanager
def asyncios_own_loops() -> Iterator[None]:
    """trio-asyncio, once imported, makes every loop of this process its own, which Playwright cannot run on."""
    before = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(asyncio.DefaultEventLoopPolicy())
    yield
    asyncio.set_event_loop_policy(before)


@pytest.fixture(scope="module")
def site(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """`parley up` with the demo app. After `chromium`, so that nothing is started where that is skipped."""
    up = Up(tmp_path_factory.mktemp("site"), PARLEY_ADMIN_OPERATOR_TOKEN=OPERATOR_TOKEN)
    yield up
    up.stop()


class Watch:
    """What the pages of a test did that no page should."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.expected: list[str] = []

    def expect(self, pattern: str) -> None:
        """A line of the browser's console that belongs to the test, such as "status of 403"."""
        self.expected.append(pattern)

    def on(self, page: Page) -> None:
        page.on("console", lambda line: self.note("console", line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.note("exception", str(error)))
        page.on("request", lambda request: self.went(request.url))
        page.on("websocket", lambda socket: self.went(socket.url))

    def note(self, kind: str, text: str) -> None:
        if not any(re.search(pattern, text) for pattern in self.expected):
            self.faults.append(f"{kind}: {text}")

    def went(self, url: str) -> None:
        if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).hostname not in ("127.0.0.1", "localhost"):
            self.faults.append(f"left the host: {url}")


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    yield watch
    assert not watch.faults


@pytest.fixture
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.getbasetemp() / "screenshots"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def open_page(
    chromium: Browser, site: Up, watch: Watch, pictures: Path, request: pytest.FixtureRequest
) -> Iterator[OpenPage]:
    """`open_page("/-/docs", locale="zh-CN", viewport={"width": 360, "height": 740}, color_scheme="dark")`: a page in a
    browser profile of its own, at that path. The options are those of Playwright's `new_context`."""
    pages: list[Page] = []

    def open_page(path: str, **options: Any) -> Page:
        context = chromium.new_context(
            base_url=site.admin_url, **{"locale": "en-US", "viewport": {"width": 1280, "height": 800}, **options}
        )
        context.set_default_timeout(SLOW_MS)
        page = context.new_page()
        watch.on(page)
        page.goto(path)
        pages.append(page)
        return page

    yield open_page
    name = re.sub(r"\W+", "-", request.node.name)
    for number, page in enumerate(pages):
        if not page.is_closed():
            page.screenshot(path=pictures / f"{name}-{number}.png", full_page=True)
        page.context.close()


@pytest.fixture
def sign_in(site: Up, open_page: OpenPage) -> SignIn:
    """`sign_in("support", "app/demo/sessions", locale="zh-CN")`: the console there, as an operator of that role."""

    def sign_in(role: str, place: str = "overview", **options: Any) -> Page:
        name = operator(site, role)
        page = open_page(f"/-/console/#/{place}", **options)
        page.fill("input[name=name]", name)
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.locator("h1:focus").wait_for()
        return page

    return sign_in


def operator(site: Up, role: str) -> str:
    """An account of that role, made once; its name."""
    name = f"the-{role}"
    made = Accounts(site.data / "operators.json").book().find(name)
    if made is None:
        parley(site, "operator", "add", name, "--role", role, stdin=PASSWORD)
    return name


def parley(site: Up, *arguments: str, stdin: str = "") -> None:
    """The command line, on the host of `site`."""
    command = [sys.executable, "-m", "adminapi.cli", *arguments, "--data", str(site.data)]
    subprocess.run(command, input=stdin, text=True, check=True, capture_output=True)


class Person:
    """Somebody logged in to the demo app, on the native wire."""

    def __init__(self, site: Up, user: str, device: str = "phone", **login: Any) -> None:
        self.user = user
        self.socket = connect(site.url).__enter__()
        self.requests = 0
        self.pushes: list[dict[str, Any]] = []
        self.ok("login", app_id="demo", client_id=user, device_id=device, **login)

    def ok(self, request: str, /, **data: Any) -> dict[str, Any]:
        """The data of a request that must succeed."""
        self.requests += 1
        self.socket.send(json.dumps({"type": request, "id": self.requests, "data": data}))
        while (frame := self.take()).get("id") != self.requests:
            self.pushes.append(frame)
        assert frame["type"] == f"{request}.success", frame
        return dict(frame["data"])

    def say(self, to: str, text: str) -> dict[str, Any]:
        return self.ok("msg.send", to=to, type=-1, text=text)

    def push(self, type: str) -> dict[str, Any]:
        """The data of the next push of that type; others are passed over."""
        while True:
            frame = self.pushes.pop(0) if self.pushes else self.take()
            if frame["type"] == type:
                return dict(frame["data"])

    def take(self) -> dict[str, Any]:
        return dict(json.loads(self.socket.recv(timeout=SLOW_MS / 1000)))

    def leave(self) -> None:
        self.socket.close()

    def ended(self) -> int:
        """Read until the connection ends: the close code."""
        try:
            while True:
                self.pushes.append(self.take())
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 0


@pytest.fixture
def person(site: Up) -> Iterator[Callable[..., Person]]:
    """`person("alice")` logs alice in; all are gone after the test."""
    there: list[Person] = []

    def person(user: str, *more: Any, **login: Any) -> Person:
        there.append(Person(site, user, *more, **login))
        return there[-1]

    yield person
    for each in there:
        each.leave()
