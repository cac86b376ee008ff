"""`Idempotency-Key`: a POST repeated with the same key is answered as the first was, after a restart too."""
