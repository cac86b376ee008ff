"""One client protocol a file, sans-IO: bytes -> commands, replies and pushes -> bytes."""
