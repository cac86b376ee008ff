"""Our own client libraries of the native socket protocol: the only place in `protocol` that does I/O."""
