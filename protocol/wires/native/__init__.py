"""The native socket protocol (SOCKET.md, ZD-03, ZD-10, ZD-12), and the shapes and codes its REST dialect shares."""

from __future__ import annotations

from protocol.wires.native.wire import NativeWire

__all__ = ["NativeWire"]
