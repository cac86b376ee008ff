"""The broker: sockets in, state in memory, journal and store behind it, a control channel beside it."""
