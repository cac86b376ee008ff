"""The journal anything acknowledged is on, and the store behind it."""
