"""Finds what is shown beside a run: names of what it belongs to, and why it waits."""
