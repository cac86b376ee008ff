"""The control socket's listener: a Unix socket only we and the operator's processes may use (DESIGN 5).

The law: the mode bits keep others out, and the kernel's word on the peer's uid (SO_PEERCRED) is asked all the same, as a
directory may be laxer than its file. Which commands travel there is the control wire's business.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from broker.gateway.framing import LengthFraming
from broker.gateway.limits import Limits
from broker.gateway.listeners import Door, adopt
from protocol.wires.wire import Wire

logger = logging.getLogger(__name__)

MODE = 0o660
_UCRED = struct.Struct("iII")


def bind_control(path: Path) -> socket.socket:
    """The listener at `path`, mode 0660; a socket file a dead process left there is replaced. OSError when another
    process is listening there, or the path cannot be had (108 bytes at most)."""
    if path.is_socket():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
            else:
                raise OSError(f"{path}: another process is listening there")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        mask = os.umask(0o777 & ~MODE)  # no moment in which others could connect
        try:
            sock.bind(str(path))
        except OSError as error:
            raise OSError(error.errno, f"{path}: {error.strerror or error}") from None
        finally:
            os.umask(mask)
        os.chmod(path, MODE)
    except OSError:
        sock.close()
        raise
    return adopt(sock)


def unlink_control(path: Path) -> None:
    """Remove the socket file at the end."""
    with contextlib.suppress(OSError):
        path.unlink()


def peer_uid(sock: socket.SocketType) -> int:
    """Who is at the other end, by the kernel's word."""
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    return int(_UCRED.unpack(credentials)[1])


def control_door(limits: Limits, make_wire: Callable[[], Wire], uids: tuple[int, ...]) -> Door:
    """The door behind the control socket: root, our own uid and `uids` come in."""
    welcome = {0, os.geteuid(), *uids}

    def admits(sock: socket.SocketType) -> bool:
        uid = peer_uid(sock)
        if uid not in welcome:
            logger.warning("control connection refused uid=%d", uid)
        return uid in welcome

    def begin() -> tuple[LengthFraming, Wire]:
        return LengthFraming(limits.frame_bytes), make_wire()

    return Door(name="control", limits=limits, begin=begin, admits=admits)
