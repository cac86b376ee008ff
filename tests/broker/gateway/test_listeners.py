"""Binding and what accepted sockets inherit."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest

from broker.gateway.listeners import UNSENT_BYTES, address_of, adopt, bind_tcp, close_all


def test_port_zero_is_chosen_and_can_be_read() -> None:
    sockets = bind_tcp("127.0.0.1", 0)
    host, port = address_of(sockets[0])
    assert host == "127.0.0.1"
    assert port > 0
    close_all(sockets)


def test_accepted_sockets_have_no_delay() -> None:
    (listener,) = bind_tcp("127.0.0.1", 0)
    with socket.create_connection(address_of(listener)):
        accepted, _ = listener.accept()
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        accepted.close()
    listener.close()


def test_the_kernel_keeps_little_for_a_peer_that_does_not_read() -> None:
    (listener,) = bind_tcp("127.0.0.1", 0)
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        peer.connect(address_of(listener))
        accepted, _ = listener.accept()
        accepted.setblocking(False)
        taken = 0
        with suppress(BlockingIOError):
            while taken < 8 * UNSENT_BYTES:
                taken += accepted.send(bytes(4_096))
        assert taken < 2 * UNSENT_BYTES
        accepted.close()
    listener.close()


def test_ipv6_is_served_where_there_is_any() -> None:
    try:
        (listener,) = bind_tcp("::1", 0)
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    socket.create_connection(("::1", address_of(listener)[1])).close()
    listener.close()


def test_an_address_in_use_is_named() -> None:
    (listener,) = bind_tcp("127.0.0.1", 0)
    port = address_of(listener)[1]
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"):
        bind_tcp("127.0.0.1", port)
    listener.close()


def test_a_ready_made_socket_is_adopted() -> None:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    assert adopt(sock).gettimeout() == 0
    socket.create_connection(address_of(sock)).close()
    sock.close()
