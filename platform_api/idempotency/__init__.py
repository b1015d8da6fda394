"""Makes a repeated request have one effect: remembers what a key stood for, and what its first request answered."""
