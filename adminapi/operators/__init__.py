"""The people who run this installation: their accounts in a file, and the sessions they sign in to."""
