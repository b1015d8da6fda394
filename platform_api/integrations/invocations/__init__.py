"""Makes a call with a key once, and tells afterwards what became of it."""
