"""LeanCloud's own socket protocol, so that its published SDKs connect as they are (`protocols.md` 2)."""

from protocol.wires.leancloud.wire import SUBPROTOCOLS, LeanCloudWire

__all__ = ["SUBPROTOCOLS", "LeanCloudWire"]
