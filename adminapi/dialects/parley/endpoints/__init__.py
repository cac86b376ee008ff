"""The endpoints of our own API, a file for each noun."""
