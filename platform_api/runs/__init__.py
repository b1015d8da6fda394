"""Keeps runs of actions: the queue that runners claim from, leases, logs, progress, results."""
