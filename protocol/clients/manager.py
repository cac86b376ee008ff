"""The service manager's side of a program: the sockets it holds for us, and what it wants to hear (sd_listen_fds(3),
sd_notify(3) of systemd).

The law: without a manager there are no sockets and nobody listens; with one, telling it never waits and never fails, as
a service must not end because its supervisor is slow. A socket is taken by its name, so the order in a unit means nothing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping

FIRST_DESCRIPTOR = 3
VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


def take_sockets(environ: MutableMapping[str, str] = os.environ) -> dict[str, list[socket.socket]]:
    """The listening sockets passed to this process, by their FileDescriptorName, oldest first. They can be taken once: the
    variables are gone afterwards, so that no child believes they are its own."""
    pid, count, names = (environ.pop(name, "") for name in VARIABLES)
    if pid != str(os.getpid()) or not count.isdigit():
        return {}
    passed: dict[str, list[socket.socket]] = {}
    named = names.split(":") if names else []
    for number in range(int(count)):
        descriptor = FIRST_DESCRIPTOR + number
        os.set_inheritable(descriptor, False)
        name = named[number] if number < len(named) else "unknown"
        passed.setdefault(name, []).append(socket.socket(fileno=descriptor))
    return passed


class Manager:
    """Tells the service manager how this program is. Without one, every call does nothing."""

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        path = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self._socket: socket.socket | None = None
        if path[:1] in ("/", "@"):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.watchdog_seconds = self._watchdog(environ)
        """Silence for so long gets the program killed; None: it may be silent."""

    def _watchdog(self, environ: MutableMapping[str, str]) -> float | None:
        microseconds, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
        if self._socket is None or not microseconds.isdigit() or pid not in ("", str(os.getpid())):
            return None
        return int(microseconds) / 1e6 or None

    def ready(self, status: str) -> None:
        """The start is over, or settings have been read again."""
        self._tell("READY=1", f"STATUS={status}")

    def starting(self, status: str, seconds: float) -> None:
        """Still starting: give it so much longer from now."""
        self._tell(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}", f"STATUS={status}")

    def alive(self, status: str) -> None:
        """Feeds the watchdog."""
        self._tell("WATCHDOG=1", f"STATUS={status}")

    def status(self, status: str) -> None:
        self._tell(f"STATUS={status}")

    def stopping(self, status: str) -> None:
        self._tell("STOPPING=1", f"STATUS={status}")

    def _tell(self, *lines: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            pass  # a full or missing socket is the manager's trouble: what counts is said again in seconds

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
