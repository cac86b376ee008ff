"""The generator logging in: many sessions at a time, each by its wire's script.

The law: a closed loop with a bound on what is under way, so a slow server is waited for and never drowned; whatever is
not answered as the script wants is an error, at once. The rounds' own loops are in `bench.cases`.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Iterable, Sequence

from bench.wires.wire import Script, Step, Unexpected

AT_A_TIME = 64
PATIENCE_SECONDS = 10.0
READ_BYTES = 65_536
"""At a time: what malloc gives from its heap. A larger buffer is mapped and unmapped at every read, 18 us instead of 1."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, 0 seconds: a closed socket leaves no TIME_WAIT, of which thousands would use up the ports."""


class Login:
    """One session on its way through its script."""

    __slots__ = ("answer", "at", "began", "script", "sock")

    def __init__(self, port: int, script: Script) -> None:
        self.began = time.perf_counter()
        self.script = script
        self.at = -1
        self.answer = b""
        self.sock = socket.socket()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        try:
            self.sock.connect(("127.0.0.1", port))
        except BlockingIOError:
            pass

    def step(self) -> bool:
        """Say the next thing; False when the script is over."""
        self.at += 1
        if self.at == len(self.script):
            return False
        self.answer = b""
        send = self.script[self.at].send
        if send and self.sock.send(send) != len(send):
            raise Unexpected("the server does not take a whole request")
        return True


def log_in(port: int, scripts: Sequence[Script]) -> tuple[list[socket.socket], list[float]]:
    """The sockets of these sessions in order, and the seconds each took from connect to the end of its script."""
    epoll = select.epoll()
    under_way: dict[int, tuple[int, Login]] = {}
    done: dict[int, socket.socket] = {}
    seconds: list[float] = []
    waiting = iter(enumerate(scripts))

    def begin() -> None:
        for at, script in waiting:
            login = Login(port, script)
            under_way[login.sock.fileno()] = (at, login)
            epoll.register(login.sock.fileno(), select.EPOLLOUT)
            return

    try:
        for _ in range(AT_A_TIME):
            begin()
        while under_way:
            ready = epoll.poll(PATIENCE_SECONDS)
            if not ready:
                answer = next(iter(under_way.values()))[1].answer
                raise Unexpected(f"{len(under_way)} logins not answered in {PATIENCE_SECONDS:.0f} s; one got {answer!r}")
            for fileno, _ in ready:
                at, login = under_way[fileno]
                if login.at < 0:
                    error = login.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if error:
                        raise OSError(error, "connect")
                    epoll.modify(fileno, select.EPOLLIN)
                elif not _hear(login):
                    continue
                if not login.step():
                    seconds.append(time.perf_counter() - login.began)
                    epoll.unregister(fileno)
                    del under_way[fileno]
                    done[at] = login.sock
                    begin()
    except BaseException:
        hang_up([*done.values(), *(login.sock for _, login in under_way.values())])
        raise
    finally:
        epoll.close()
    return [done[at] for at in range(len(scripts))], seconds


def _hear(login: Login) -> bool:
    data = login.sock.recv(READ_BYTES)
    if not data:
        raise Unexpected("the server closed the connection at login")
    login.answer += data
    return login.script[login.at].answered(login.answer)


def connections(port: int, count: int) -> list[socket.socket]:
    """Plain ones, that wait."""
    sockets = [socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) for _ in range(count)]
    for sock in sockets:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sockets


def ask(sock: socket.socket, step: Step) -> bytes:
    """One step on a session, waiting for it. The whole answer."""
    sock.setblocking(True)
    sock.settimeout(PATIENCE_SECONDS)
    sock.sendall(step.send)
    answer = b""
    while not step.answered(answer):
        data = sock.recv(READ_BYTES)
        if not data:
            raise Unexpected("the server closed the connection")
        answer += data
    sock.setblocking(False)
    return answer


def drain(sockets: Iterable[socket.socket], seconds: float = 0.0) -> int:
    """Read what is there or comes in that time; how many bytes that was."""
    ends = time.monotonic() + seconds
    epoll = select.epoll()
    by_fileno = {sock.fileno(): sock for sock in sockets}
    total = 0
    for fileno in by_fileno:
        epoll.register(fileno, select.EPOLLIN)
    try:
        while ready := epoll.poll(max(0.0, ends - time.monotonic())):
            for fileno, _ in ready:
                data = by_fileno[fileno].recv(READ_BYTES)
                if not data:
                    raise Unexpected("the server closed a connection")
                total += len(data)
    finally:
        epoll.close()
    return total


def hang_up(sockets: Iterable[socket.socket]) -> None:
    for sock in sockets:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        sock.close()
