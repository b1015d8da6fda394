"""Starts child processes, knows them again after a restart, and ends those that a dead supervisor left."""
