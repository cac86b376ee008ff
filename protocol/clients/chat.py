"""A chat in the terminal: `python -m protocol.clients.chat URL APP USER`, for the first five minutes with a broker.

The law: what people say is on standard output, one line a message (`bob: hello`), and nothing else is; what happened to
the connection is on standard error, in sentences behind a star. Lines come from a keyboard or a pipe alike.
Exit codes: 0 finished, 1 could not connect or log in, 2 wrong usage, 3 the server ended the session, 4 a line was not
sent, 5 standard output takes no more.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import signal
import sys
from contextlib import suppress
from typing import TextIO

import orjson
import trio

from protocol.clients.trio import Client, ConnectionLost, Envelope, RequestRefused, SessionEnded, open_client

FINISHED, NOT_CONNECTED, ENDED, NOT_SENT, UNHEARD = 0, 1, 3, 4, 5

EARLIER = 20
"""Messages shown of what was said before."""
LINE_BYTES = 1024 * 1024
"""A longer line is not read to its end, and nothing behind it; the server takes far less."""
KICKS = {
    "replaced": "this account has logged in again on the same device",
    "kicked": "an administrator has ended this session",
    "banned": "this account is banned",
    "deleted": "this account was deleted",
}
KINDS = {-2: "image", -3: "voice", -4: "video", -5: "location", -6: "file"}
UNANSWERED = (RequestRefused, ConnectionLost, SessionEnded, trio.TooSlowError)


class Unheard(Exception):
    """Standard output takes no more; the text says why, without a full stop."""


class Chat:
    """One terminal: where lines go, and what was seen."""

    def __init__(self, client: Client, to: str, conversation: str) -> None:
        self._client = client
        self._to = to
        self._conversation = conversation
        self._seen: dict[str, int] = {}
        self.code = FINISHED

    async def speak(self) -> None:
        """Send the lines of standard input, one after the other, until it ends."""
        while True:
            try:
                # The ignore: an environment may still have the stub package of an older Trio, without this argument.
                line = await trio.to_thread.run_sync(_read_line, abandon_on_cancel=True)  # type: ignore[call-arg, unused-ignore]
            except UnicodeDecodeError as error:
                self._not_sent(f"a line that is not {error.encoding} text.")
                continue
            except OSError as error:
                self._not_sent(f"standard input cannot be read ({error.strerror}).")
                return
            if line is None:
                return
            text = line.rstrip("\r\n")
            if text.strip():
                await self._say(text)

    async def _say(self, text: str) -> None:
        if not self._to and not self._conversation:
            self._not_sent("nobody to send to yet. Start with --to USER or --conv ID, or answer somebody who writes.")
            return
        try:
            sent = await self._client.send(to=self._to, conv_id=self._conversation, text=text)
        except trio.TooSlowError:
            self._not_sent("the server did not answer in time.")
        except (RequestRefused, ConnectionLost, SessionEnded) as error:
            self._not_sent(str(error))
        else:
            self._conversation, self._to = sent["conv_id"], ""

    def _not_sent(self, why: str) -> None:
        note(f"Not sent: {why}")
        self.code = NOT_SENT

    async def listen(self) -> None:
        """Print what comes, until the session has ended or nobody reads it."""
        try:
            async for push in self._client:
                await self._show(push["type"], push.get("data") or {})
        except Unheard as unheard:
            note(f"Standard output takes no more: {unheard}.")
            self.code = UNHEARD

    async def _show(self, kind: str, data: Envelope) -> None:
        match kind:
            case "msg.new":
                await self._message(data)
            case "msg.edited":
                print_line(f"{data['from_client']} (edited): {data.get('text') or ''}")
            case "msg.recalled":
                note(f"{data['from_client']} took a message back.")
            case "sync":
                await self._missed(data)
            case "system.new":
                content = data.get("content")
                said = content if isinstance(content, str) else orjson.dumps(content).decode()
                note(f"{data.get('from') or 'The server'} announces: {said}")
            case "conv.joined":
                note(f"{data.get('by') or 'An administrator'} added you to conversation {data['conv_id']}.")
            case "conv.left":
                note(f"You are no longer in conversation {data['conv_id']}.")
            case "conv.muted":
                note(f"{data.get('client_id')} may not speak for now.")
            case "client.offline":
                note(f"Connection lost ({data['reason']}); trying again in {data['retry_in']:.1f} s.")
            case "client.online":
                note(f"Connected as {self._client.user}.")
            case "client.dropped":
                note(f"{data['count']} messages came too fast to be shown.")
            case "going.away":
                note("The server is restarting.")
            case "logout.kick":
                why = KICKS.get(str(data.get("reason")), "the server ended it")
                said = f" ({data['text']})" if data.get("text") else ""
                note(f"Logged out: {why}{said}.")

    async def _message(self, data: Envelope) -> None:
        conversation, seq = data["conv_id"], data.get("seq", 0)
        if seq:
            if seq <= self._seen.get(conversation, 0):
                return
            self._seen[conversation] = seq
        if not self._to and not self._conversation:
            self._conversation = conversation
        what = data.get("text") or f"[{KINDS.get(data['type'], 'message of type ' + str(data['type']))}]"
        if data["type"] != -1 and data.get("url", "null") != "null":
            what += " " + data["url"].strip('"')
        print_line(f"{data['from_client']}: {what}")
        if seq:
            await self._client.tell("msg.read", conv_id=conversation, seq=seq)

    async def _earlier(self) -> None:
        """The last messages of the conversation that was asked for, read before or not."""
        try:
            conversation = self._conversation
            if not conversation and self._to:
                made = await self._client.request("conv.create", conv_type=1, to_client_ids=[self._to])
                conversation = made["conv_id"]
            if not conversation:
                return
            history = await self._client.request("msg.history", conv_id=conversation, limit=EARLIER)
        except UNANSWERED:
            return
        for message in history["messages"]:
            if message.get("msg_status", 1) == 1:
                await self._message(message)

    async def _missed(self, state: Envelope) -> None:
        """What was said while we were not connected, conversation by conversation; at first also what was said before."""
        if not self._seen:
            await self._earlier()
        for row in state.get("conversations", ()):
            conversation = row["conv_id"]
            known = self._seen.get(conversation, row.get("read_seq", 0))
            if row["last_seq"] <= known or not (row.get("unread") or conversation in self._seen):
                continue
            try:
                history = await self._client.request("msg.history", conv_id=conversation, after=known, limit=100)
            except UNANSWERED:
                continue
            for message in history["messages"]:
                if message.get("msg_status", 1) == 1:
                    await self._message(message)


def _read_line() -> str | None:
    """The next line of standard input, None at its end or where there is none. UnicodeDecodeError costs that line only.

    Not through the buffer of `sys.stdin`: Python aborts if it ends while a thread waits inside that."""
    if sys.stdin is None:
        return None
    line = io.FileIO(sys.stdin.fileno(), closefd=False).readline(LINE_BYTES)
    if len(line) == LINE_BYTES:
        raise OSError(errno.EMSGSIZE, "a line is too long")
    return line.decode(sys.stdin.encoding) if line else None


def print_line(text: str) -> None:
    try:
        _write(sys.stdout, text)
    except OSError as error:
        raise Unheard(error.strerror) from None


def note(text: str) -> None:
    with suppress(OSError):  # nobody left to tell
        _write(sys.stderr, "* " + text)


def _write(stream: TextIO | None, text: str) -> None:
    """One line, without control characters: what others send must not move the cursor of this terminal. OSError once;
    later lines go nowhere, as Python would fail again over what it still holds when it ends."""
    if stream is None:
        return
    try:
        stream.write("".join(letter if letter.isprintable() else " " for letter in text) + "\n")
        stream.flush()
    except OSError:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())
        raise


async def run(options: argparse.Namespace) -> int:
    """The chat until it ends or Ctrl-C ends it; the exit code."""
    code = FINISHED
    # Around everything: a KeyboardInterrupt could strike any task, a cancelled scope closes all of them in order.
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:

            async def stop_on_signal() -> None:
                async for _ in signals:
                    nursery.cancel_scope.cancel()

            nursery.start_soon(stop_on_signal)
            code = await _session(options)
            nursery.cancel_scope.cancel()
    return code


async def _session(options: argparse.Namespace) -> int:
    try:
        async with open_client(
            options.url,
            app=options.app,
            user=options.user,
            device=options.device,
            token=options.token,
            password=options.password,
        ) as client:
            return await _talk(client, options)
    except RequestRefused as refused:
        note(f"Login refused: {refused.text} (code {refused.code})")
    except ConnectionLost as lost:
        note(f"{lost} Is the broker running there?")
    except ValueError as error:
        note(f"{options.url!r} is not the address of a broker: {error}. Give something like ws://127.0.0.1:7700.")
    return NOT_CONNECTED


async def _talk(client: Client, options: argparse.Namespace) -> int:
    chat = Chat(client, options.to or "", options.conv or "")
    async with trio.open_nursery() as nursery:

        async def speak() -> None:
            await chat.speak()
            if options.exit_after_send:
                nursery.cancel_scope.cancel()

        nursery.start_soon(speak)
        await chat.listen()
        nursery.cancel_scope.cancel()
    if client.ended is not None:
        note(str(client.ended))
        return ENDED
    return chat.code


def options_of(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m protocol.clients.chat",
        description="Chat in the terminal: lines you type are sent, messages are printed one a line. Ctrl-C ends it.",
    )
    parser.add_argument("url", metavar="URL", help="the broker's socket, for example ws://127.0.0.1:7700")
    parser.add_argument("app", metavar="APP", help="the app's id, for example demo")
    parser.add_argument("user", metavar="USER", help="who you are")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--to", metavar="USER", help="send to this user")
    where.add_argument("--conv", metavar="ID", help="send to this conversation")
    parser.add_argument("--device", metavar="D", default="", help="the device you are on; one login per device")
    proof = parser.add_mutually_exclusive_group()
    proof.add_argument("--token", metavar="T", help="a token made with the app's secret (parley token)")
    proof.add_argument("--password", metavar="P", help="the user's password")
    parser.add_argument("--exit-after-send", action="store_true", help="end when standard input has ended and is sent")
    options = parser.parse_args(arguments)
    for name, value in vars(options).items():
        try:
            str(value).encode()
        except UnicodeEncodeError:  # bytes the locale does not know come as surrogates
            parser.error(f"what was given for {name} is not text in the encoding of this terminal")
    return options


def main(arguments: list[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no such letter shows a question mark
    options = options_of(sys.argv[1:] if arguments is None else arguments)
    return trio.run(run, options)


if __name__ == "__main__":
    sys.exit(main())
