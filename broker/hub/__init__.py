"""What the broker knows of one app. Plain functions: nothing here awaits, imports trio, reads a clock or a random source."""
