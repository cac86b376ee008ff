"""The management program: dialects, our own API and the command line, all over one control channel (DESIGN 2)."""
