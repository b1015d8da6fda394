"""Writes the log of this process, without secrets."""
