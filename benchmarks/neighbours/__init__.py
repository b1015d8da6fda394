"""Measures what a hostile organization costs a well-behaved one on the same installation."""
