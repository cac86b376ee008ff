"""Wires and framings under any bytes: `targets` says what has to hold, `make test` tries it for a moment, `make fuzz` for
as long as one likes."""
