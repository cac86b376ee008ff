"""The terminal chat as a newcomer runs it: a real process, lines in a pipe, messages out, an exit code at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

ROOT = Path(__file__).parents[3]
ENVIRON = {**os.environ, "PYTHONUNBUFFERED": "", "PYTHONUTF8": "1"}
"""As most terminals have it, whatever the tests are started with."""


@pytest.fixture
def talking(server: Any) -> Any:
    """The server with a conversation: sends are answered."""

    async def sent(peer: Any, request: Any) -> None:
        await peer.answer(request, msg_id="m", conv_id="c1", seq=1, time=2)

    server.handlers["msg.send"] = sent
    return server


@asynccontextmanager
async def chatting(server: Any, *arguments: str, stdin: int = subprocess.PIPE) -> AsyncIterator[trio.Process]:
    """The chat as a running process, whose streams the test has for itself."""
    command = [sys.executable, "-m", "protocol.clients.chat", server.url, "demo", "alice", *arguments]
    process = await trio.lowlevel.open_process(
        command, cwd=ROOT, env=ENVIRON, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        with trio.fail_after(20):
            yield process
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                await stream.aclose()


async def run(
    server: Any, *arguments: str | bytes, stdin: bytes = b"", redirect: str = "", **environ: str
) -> tuple[int, str, str]:
    """Exit code, standard output, standard error; `redirect` as a shell writes it."""
    chat = [sys.executable, "-m", "protocol.clients.chat", server.url, "demo", "alice", *arguments]
    command: Any = ["sh", "-c", f'exec "$@" {redirect}', "sh", *chat] if redirect else chat
    with trio.fail_after(20):
        done = await trio.run_process(
            command,
            cwd=ROOT,
            env=ENVIRON | environ,
            stdin=stdin,
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
    assert b"Traceback" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


async def test_lines_of_a_pipe_are_sent_and_the_chat_ends(talking: Any) -> None:
    code, out, err = await run(talking, "--to", "bob", "--exit-after-send", stdin="hello\n\nwie geht's?\n最后".encode())
    assert (code, out) == (0, "")
    assert "Connected as alice" in err
    assert [(send.get("to"), send.get("conv_id"), send["text"]) for send in talking.asked("msg.send")] == [
        ("bob", None, "hello"),
        (None, "c1", "wie geht's?"),
        (None, "c1", "最后"),
    ]


def said(text: str | None, seq: int, **more: Any) -> dict[str, Any]:
    data = {"from_client": "bob", "conv_id": "c1", "type": -1, "text": text, "url": "null", "seq": seq}
    return {"type": "msg.new", "data": data | more}


async def test_after_the_end_of_input_it_goes_on_receiving_until_it_is_kicked(talking: Any) -> None:
    async def announce(peer: Any, request: Any) -> None:
        await login(peer, request)
        await peer.say(said("hello", 1))
        await peer.say(said("hello", 1))
        await peer.say(said("two\nlines\x1b[2J", 2))
        await peer.say(said(None, 3, type=-2, url='"http://x/y.png"'))
        await peer.say({"type": "logout.kick", "msg": "error", "data": {"time": 1, "reason": "kicked", "text": "spam"}})
        await peer.close(4002, "kicked")

    login = talking.handlers["login"]
    talking.handlers["login"] = announce
    code, out, err = await run(talking)
    assert code == 3
    assert out == "bob: hello\nbob: two lines [2J\nbob: [image] http://x/y.png\n"
    assert "* Logged out: an administrator has ended this session (spam)." in err
    assert "close code 4002" in err


async def test_it_works_without_any_standard_input(talking: Any) -> None:
    async with chatting(talking, stdin=subprocess.DEVNULL) as process:
        await talking.wait_asked("sync")
        await talking.peers[0].close(4001, "replaced")
        assert await process.wait() == 3


async def test_ctrl_c_ends_it_without_a_traceback(talking: Any) -> None:
    async with chatting(talking) as process:
        await talking.wait_asked("sync")
        process.send_signal(signal.SIGINT)
        await process.wait()
        assert process.returncode == 0
        assert process.stderr is not None
        assert b"Traceback" not in await process.stderr.receive_some(65536)


async def test_a_line_without_addressee_is_explained_and_an_answer_goes_to_who_wrote(talking: Any) -> None:
    code, _, err = await run(talking, "--exit-after-send", stdin=b"hello?\n")
    assert code == 4
    assert "--to USER" in err
    assert talking.asked("msg.send") == []


async def test_a_refused_line_is_a_sentence(server: Any) -> None:
    server.handlers["msg.send"] = lambda peer, request: peer.refuse(request, 211, "There is no user bob.")
    code, _, err = await run(server, "--to", "bob", "--exit-after-send", stdin=b"hello\n")
    assert code == 4
    assert "* Not sent: There is no user bob. (code 211)" in err


async def test_a_refused_login_is_a_sentence(server: Any) -> None:
    server.handlers["login"] = lambda peer, request: peer.refuse(request, 4004, "This app wants a token.")
    code, out, err = await run(server)
    assert (code, out) == (1, "")
    assert err == "* Login refused: This app wants a token. (code 4004)\n"


class Elsewhere:
    """Not a server, only what is given as its address."""

    def __init__(self, url: str) -> None:
        self.url = url


@pytest.mark.parametrize("url", ["localhost:7700", "ws://h:port", "ws://h:99999", "ws://a..b", "ws://127.0.0.1/\u00fc"])
async def test_a_wrong_address_is_a_sentence(url: str) -> None:
    code, _, err = await run(Elsewhere(url))
    assert code == 1
    assert err.count("\n") == 1
    assert f"{url!r} is not the address of a broker" in err
    assert "ws://127.0.0.1:7700" in err


async def test_a_broker_that_is_not_there_is_a_sentence() -> None:
    code, _, err = await run(Elsewhere("ws://127.0.0.1:1"))
    assert (code, err.count("\n")) == (1, 1)
    assert "Connection refused. Is the broker running there?" in err


@pytest.mark.parametrize(
    "arguments", [["--to", b"\xff"], ["--token", b"\xff"], ["--nonsense"], ["--to", "a", "--conv", "b"]]
)
async def test_arguments_that_cannot_be_are_wrong_usage(server: Any, arguments: list[str | bytes]) -> None:
    code, out, err = await run(server, *arguments)
    assert (code, out) == (2, "")
    assert "error: " in err.splitlines()[-1]


async def test_a_line_that_is_no_text_costs_that_line_only(talking: Any) -> None:
    code, _, err = await run(talking, "--to", "bob", "--exit-after-send", stdin=b"one\n\xff\xfe\ntwo")
    assert code == 4
    assert "* Not sent: a line that is not utf-8 text." in err
    assert [send["text"] for send in talking.asked("msg.send")] == ["one", "two"]


async def test_a_line_without_end_is_given_up(talking: Any) -> None:
    code, _, err = await run(talking, "--to", "bob", "--exit-after-send", stdin=b"one\n" + b"x" * 2**20)
    assert code == 4
    assert "standard input cannot be read (a line is too long)" in err
    assert [send["text"] for send in talking.asked("msg.send")] == ["one"]


@pytest.mark.parametrize(("redirect", "expected"), [("<&-", 0), ("0>/dev/null", 4)])
async def test_a_standard_input_that_cannot_be_read_is_no_trouble(talking: Any, redirect: str, expected: int) -> None:
    code, _, err = await run(talking, "--to", "bob", "--exit-after-send", redirect=redirect)
    assert code == expected
    assert ("* Not sent: standard input cannot be read" in err) is (expected == 4)


async def test_letters_the_terminal_does_not_have_are_replaced(talking: Any) -> None:
    async def announce(peer: Any, request: Any) -> None:
        await login(peer, request)
        await peer.say(said("grüß dich, 最后", 1))
        await peer.say({"type": "system.new", "data": {"content": "schön", "from": "", "time": 1}})
        await peer.close(4001, "replaced")

    login = talking.handlers["login"]
    talking.handlers["login"] = announce
    code, out, err = await run(talking, PYTHONIOENCODING="ascii")
    assert (code, out) == (3, "bob: gr?? dich, ??\n")
    assert "announces: sch?n" in err


@pytest.mark.parametrize("mute", [False, True])
async def test_it_ends_in_peace_when_nobody_reads_it_any_more(talking: Any, mute: bool) -> None:
    async with chatting(talking) as process:
        await talking.wait_asked("sync")
        await talking.peers[0].say(said("first", 1))
        assert process.stdout is not None
        assert process.stderr is not None
        assert await process.stdout.receive_some() == b"bob: first\n"
        await process.stdout.aclose()
        if mute:
            await process.stderr.aclose()
        await talking.peers[0].say(said("second", 2))
        assert await process.wait() == 5
        if not mute:
            err = await process.stderr.receive_some()
            assert err.endswith(b"* Standard output takes no more: Broken pipe.\n")


async def test_a_full_disk_is_a_sentence(talking: Any) -> None:
    async def announce(peer: Any, request: Any) -> None:
        await login(peer, request)
        await peer.say(said("first", 1))

    login = talking.handlers["login"]
    talking.handlers["login"] = announce
    code, _, err = await run(talking, redirect=">/dev/full")
    assert code == 5
    assert err.endswith("* Standard output takes no more: No space left on device.\n")


async def test_what_was_missed_is_shown_once_and_marked_read(talking: Any) -> None:
    async def state(peer: Any, request: Any) -> None:
        row = {"conv_id": "c1", "first_seq": 1, "last_seq": 4, "read_seq": 2, "unread": 2}
        await peer.answer(request, conversations=[row], left=[], patches=[], cursor="x", more=False)

    async def history(peer: Any, request: Any) -> None:
        messages = [said("three", 3)["data"] | {"msg_status": 3}, said("four", 4)["data"] | {"msg_status": 1}]
        await peer.answer(request, conv_id="c1", messages=messages, more=False)

    async def read(peer: Any, request: Any) -> None:
        await peer.close(4001, "replaced")

    talking.handlers |= {"sync": state, "msg.history": history, "msg.read": read}
    code, out, _ = await run(talking)
    assert (code, out) == (3, "bob: four\n")
    assert talking.asked("msg.history") == [{"conv_id": "c1", "after": 2, "limit": 100}]
    assert talking.asked("msg.read") == [{"conv_id": "c1", "seq": 4}]
