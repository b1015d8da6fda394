"""Starts child processes, recognizes them after a restart, and ends those that a dead supervisor left."""
