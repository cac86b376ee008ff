"""The words both programs speak: commands, refusals, ids, codecs, wires. No trio (but in clients), no sockets, no clock."""
