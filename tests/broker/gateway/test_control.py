"""The control socket: who may come in, and what is left behind."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest
import trio

from broker.gateway.control import bind_control, control_door, unlink_control
from broker.gateway.limits import trusted
from broker.gateway.listeners import Door
from broker.gateway.reactor import Reactor
from broker.settings import Sockets
from protocol.settings import Control
from tests.broker.gateway.conftest import FakeCore, FakeWire, FramedClient

NOBODY = 65534


def door(uids: tuple[int, ...] = ()) -> Door:
    return control_door(trusted(Sockets(), Control()), lambda: FakeWire(text=False), uids)


async def test_a_welcome_peer_is_served_without_login_and_with_large_frames(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    core = FakeCore()
    reactor = Reactor(core, Sockets())
    reactor.listen(bind_control(path), door())
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reactor.run)
        client = FramedClient(await trio.open_unix_socket(str(path)))
        large = b"echo " + b"x" * 1_000_000
        await client.send(large, *[b"ping"] * 20)
        assert sorted([await client.receive() for _ in range(21)]) == [b"ok " + large, *[b"pong"] * 20]
        await client.stream.aclose()
        nursery.cancel_scope.cancel()


@pytest.mark.F12
def test_a_stale_socket_file_is_replaced_and_a_living_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    bind_control(path).close()
    assert path.exists()
    living = bind_control(path)
    with pytest.raises(OSError, match="another process"):
        bind_control(path)
    living.close()
    unlink_control(path)
    unlink_control(path)
    assert not path.exists()


def test_a_path_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("precious")
    with pytest.raises(OSError, match=r"control\.sock"):
        bind_control(path)
    assert path.read_text() == "precious"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take another uid")
@pytest.mark.parametrize(("uids", "admitted"), [((), False), ((NOBODY,), True)])
@pytest.mark.F13
def test_a_foreign_uid_comes_in_only_if_the_settings_say_so(uids: tuple[int, ...], admitted: bool) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("")  # abstract: no directory's mode in the way of the check itself
    listener.listen()
    child = os.fork()
    if child == 0:
        os.seteuid(NOBODY)
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(listener.getsockname())
        peer.recv(1)
        os._exit(0)
    accepted, _ = listener.accept()
    admits = door(uids).admits
    assert admits is not None
    assert admits(accepted) is admitted
    accepted.close()
    listener.close()
    os.waitpid(child, 0)


@pytest.mark.F13
async def test_a_peer_that_is_not_admitted_is_closed(tmp_path: Path) -> None:
    import msgspec

    reactor = Reactor(FakeCore(), Sockets())
    reactor.listen(bind_control(tmp_path / "c"), msgspec.structs.replace(door(), admits=lambda sock: False))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reactor.run)
        async with await trio.open_unix_socket(str(tmp_path / "c")) as stream:
            with trio.fail_after(5):
                assert await stream.receive_some() == b""
        assert reactor.statistics().connections == 0
        nursery.cancel_scope.cancel()
