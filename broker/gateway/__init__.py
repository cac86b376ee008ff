"""Connections: one reactor task drives every plain socket; TLS connections are tasks on the same wires and outboxes."""
