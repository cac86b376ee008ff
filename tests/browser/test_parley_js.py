"""parley.js in a real browser against a real broker: what its head promises, kill -9 in the middle included.

The scripts run on a page of another origin, as an application's own.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from protocol.tokens import make_jwt
from tests.browser.conftest import Watch
from tests.journeys.programs import APP, Host, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

GUARDED = {**APP, "id": "guarded", "key": "k", "master_key": "m", "secret": "the-secret-of-guarded", "token_required": True}
LIBRARY = """
  const { openClient, RequestRefused, ConnectionLost, SessionEnded, TooSlow } = await import(parley);
  const open = (user, more = {}) => openClient(url, { app: "666666", user, ...more });
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  // All that a client yields, and the first of it that fits.
  const heard = (client) => {
    const all = [], waiting = [];
    (async () => {
      for await (const push of client) {
        all.push(push);
        for (const [fits, resolve] of waiting) if (fits(push)) resolve(push.data);
      }
    })();
    all.first = (type, fits = () => true) => new Promise((resolve) => {
      const found = all.find((push) => push.type === type && fits(push.data));
      if (found) resolve(found.data);
      else waiting.push([(push) => push.type === type && fits(push.data), resolve]);
    });
    all.texts = () => all.filter(({ type }) => type === "msg.new").map(({ data }) => data.text);
    return all;
  };
"""

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def host(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Both programs, the broker on a port that outlives a restart."""
    sockets = {"listen": f"127.0.0.1:{free_port()}"}
    with Host(tmp_path_factory.mktemp("parley_js"), APP, GUARDED, sockets=sockets) as host:
        host.broker()
        host.admin()
        yield host


class OwnPage(BaseHTTPRequestHandler):
    """The page of an application, on a host of its own."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b'<!doctype html><link rel="icon" href="data:,"><title>An application</title>')

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def blank(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    with ThreadingHTTPServer(("127.0.0.1", 0), OwnPage) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        yield page
        context.close()
        server.shutdown()
        thread.join()


@pytest.fixture
def run(blank: Page, host: Host, watch: Watch) -> Run:
    """`run("script", **values)`: the script as the body of an async function, behind LIBRARY."""
    watch.on(blank)
    watch.expect("WebSocket connection to 'ws://127.0.0.1")  # the browser itself says so while the broker is away
    blank.reload()

    def run(script: str, url: str = "", **values: Any) -> Any:
        values = {"parley": f"{host.admin_url}/-/parley.js", "url": url or host.url, **values}
        names = ", ".join(values)
        return blank.evaluate(f"async ({{ {names} }}) => {{ {LIBRARY} {script} }}", values)

    return run


def test_two_users_talk_and_see_each_other(run: Run) -> None:
    found = run("""
        const bob = await open("bob"), alice = await open("alice", { device: "phone" });
        const atBob = heard(bob), atAlice = heard(alice);
        const { online } = await bob.request("presence.subscribe", { client_ids: ["alice"] });
        alice.typing({ to: "bob" });
        const typing = await atBob.first("client.typing");
        const sent = await alice.send({ to: "bob", text: "hello", receipt: true });
        const got = await atBob.first("msg.new");
        await bob.request("msg.read", { conv_id: got.conv_id, seq: got.seq });
        const receipt = await atAlice.first("msg.receipt", ({ read_seq }) => read_seq === got.seq);
        await alice.request("logout");
        const gone = await atBob.first("presence.changed");
        const ended = await atAlice.first("client.ended");
        bob.close();
        return { online, typing, sent, got, receipt, gone, ended, over: alice.ended.message };
    """)
    assert found["online"] == ["alice"]
    assert (found["typing"]["client_id"], found["typing"]["typing"]) == ("alice", True)
    assert (found["got"]["from_client"], found["got"]["text"]) == ("alice", "hello")
    assert {key: found["got"][key] for key in ("msg_id", "conv_id", "seq")} == {
        key: found["sent"][key] for key in ("msg_id", "conv_id", "seq")
    }
    assert found["receipt"]["client_id"] == "bob"
    assert [(change["client_id"], change["online"]) for change in found["gone"]["changes"]] == [("alice", False)]
    assert found["ended"]["code"] == 1000
    assert "close code 1000" in found["over"]


def test_who_is_replaced_is_told_why_and_does_not_come_back(run: Run) -> None:
    found = run("""
        const first = await open("carol"), atFirst = heard(first);
        const second = await open("carol");
        const kick = await atFirst.first("logout.kick");
        const ended = await atFirst.first("client.ended");
        const refused = await first.send({ to: "bob", text: "still me?" }).catch((error) => error.name);
        await pause(600);
        const still = await second.request("presence.query", { client_ids: ["carol"] });
        second.close();
        return { kick: kick.reason, ended, refused, still: still.online, online: second.online || !second.ended };
    """)
    assert found["kick"] == "replaced"
    assert found["ended"] == {"code": 4001, "reason": "replaced"}
    assert found["refused"] == "SessionEnded"
    assert found["still"] == ["carol"]


def test_nothing_is_lost_or_doubled_over_kill_9_in_the_middle_of_sending(run: Run, host: Host, blank: Page) -> None:
    run("""
        const [dave, erin] = [await open("dave"), await open("erin")];
        window.atErin = heard(erin);
        window.sent = [];
        window.users = [dave, erin];
        window.flow = (async () => {
          for (let number = 0; number < 300; number++) {
            window.sent.push(dave.send({ to: "erin", text: `${number}` }));
            await pause(3);
          }
        })();
    """)
    blank.wait_for_function("atErin.texts().length > 30")
    host.kill()
    host.broker()
    found = run("""
        await window.flow;
        const answers = await Promise.all(window.sent);
        while (atErin.texts().length < 300) await pause(20);
        await pause(300);
        const history = [];
        for (let more = true, after = 0; more; after = history.at(-1).seq) {
          const page = await users[1].request("msg.history", { conv_id: answers[0].conv_id, after, limit: 100 });
          history.push(...page.messages);
          more = page.more;
        }
        const away = atErin.filter(({ type }) => type === "client.offline").length;
        for (const user of users) user.close();
        return { seqs: answers.map(({ seq }) => seq), heard: atErin.texts(), said: history.map(({ text }) => text), away };
    """)
    everything = [str(number) for number in range(300)]
    assert found["away"] >= 1
    assert found["heard"] == everything
    assert found["said"] == everything
    assert found["seqs"] == sorted(set(found["seqs"]))


def test_what_was_missed_is_heard_once_in_order_before_what_is_said_now(run: Run, host: Host, blank: Page) -> None:
    run("""
        window.away = await open("frank", { waits: { backoffFirst: 60, backoffMost: 60 } });
        window.atFrank = heard(away);
        const gina = await open("gina");
        await gina.send({ to: "frank", text: "before" });
        await away.send({ to: "gina", text: "mine" });
        await atFrank.first("msg.new");
        gina.close();
    """)
    host.kill()
    host.broker()
    found = run("""
        await atFrank.first("client.offline");
        const gina = await open("gina");
        await Promise.all(Array.from({ length: 230 }, (_, number) => gina.send({ to: "frank", text: `${number}` })));
        const harry = await open("harry");
        await harry.send({ to: "frank", text: "a new conversation" });
        const own = away.send({ to: "gina", text: "own" });
        window.dispatchEvent(new Event("online")); // the network is back
        await atFrank.first("client.online");
        await Promise.all(Array.from({ length: 20 }, (_, number) => gina.send({ to: "frank", text: `live ${number}` })));
        await own;
        await atFrank.first("msg.new", ({ text }) => text === "live 19");
        await atFrank.first("msg.new", ({ text }) => text === "a new conversation");
        await gina.send({ to: "frank", text: "last" });
        await atFrank.first("msg.new", ({ text }) => text === "last");
        for (const user of [gina, harry, away]) user.close();
        return atFrank.texts();
    """)
    found.remove("a new conversation")
    assert found == ["before", *map(str, range(230)), *(f"live {number}" for number in range(20)), "last"]


def test_a_password_or_token_is_needed_where_the_app_wants_one(run: Run) -> None:
    token = make_jwt("the-secret-of-guarded", {"unique_name": "ivan"})
    found = run(
        """
        const refused = await openClient(url, { app: "guarded", user: "ivan" }).catch((error) => error);
        const client = await openClient(url, { app: "guarded", user: "ivan", token });
        client.close();
        const wrong = await openClient(url, { app: "guarded", user: "ivan", token: "a.b.c" }).catch((error) => error);
        const nobody = await openClient("ws://127.0.0.1:1", { app: "guarded", user: "ivan" }).catch((error) => error);
        const bad = await openClient("not a url", { app: "guarded", user: "ivan" }).catch((error) => error);
        return [refused, wrong, nobody, bad].map(({ name, code }) => [name, code ?? null]);
    """,
        token=token,
    )
    assert found == [
        ["RequestRefused", 4004],
        ["RequestRefused", 4004],
        ["ConnectionLost", 1006],
        ["ConnectionLost", 1006],
    ]


def test_a_message_that_is_too_large_is_refused_and_the_others_go_on(run: Run) -> None:
    found = run("""
        const julia = await open("julia"), kate = await open("kate"), atKate = heard(kate);
        const large = julia.send({ to: "kate", text: "x".repeat(200_000) }).catch((error) => [error.name, error.code]);
        const small = await julia.send({ to: "kate", text: "small" });
        await atKate.first("msg.new");
        const refused = await large;
        julia.close(), kate.close();
        return { refused, texts: atKate.texts(), seq: small.seq };
    """)
    assert found == {"refused": ["RequestRefused", 4030], "texts": ["small"], "seq": 1}


def test_a_broker_that_is_stopped_is_waited_for_as_long_as_it_says(run: Run, host: Host, blank: Page) -> None:
    run("""window.lena = await open("lena"); window.atLena = heard(lena);""")
    assert host.stop() == 0
    host.broker()
    found = run("""
        const going = await atLena.first("going.away"), offline = await atLena.first("client.offline");
        await atLena.first("client.online");
        lena.close();
        return { asked: going.retry_after_ms / 1000, waited: offline.retry_in, code: offline.code };
    """)
    assert found["waited"] == found["asked"] > 0
    assert found["code"] == 4501


def head() -> str:
    comment = Path("protocol/clients/parley.js").read_text().partition(" */")[0]
    return "\n".join(line.removeprefix(" *     ") for line in comment.splitlines() if line.startswith(" *     "))


def readme() -> str:
    found = re.search(r"In the browser.*?```js\n(.*?)```", Path("README.md").read_text(), re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize("example", [head, readme])
def test_the_examples_run_as_they_stand(run: Run, host: Host, example: Callable[[], str]) -> None:
    script = example().replace("ws://127.0.0.1:7700", host.url).replace('"demo"', '"666666"')
    script = re.sub(r'import (.*?) from "http://127.0.0.1:7780/-/parley.js";', r"const \1 = await import(parley);", script)
    assert "openClient(" in script
    found = run(f"""
        (await open("bob")).close();
        const kinds = [], listening = new Promise((resolve) => {{
          console.log = (type) => {{ kinds.push(type); if (type === "sync") resolve(); }};
        }});
        (async () => {{ {script} }})();
        await listening;
        return kinds;
    """)
    assert found == ["client.online", "sync"]
