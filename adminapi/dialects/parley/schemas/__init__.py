"""What our own endpoints take and answer, for the description under `/-/docs`; `endpoints` prints the shapes themselves,
and the tests hold the one against the other.
"""
