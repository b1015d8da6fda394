"""Stores work that must happen outside PostgreSQL after a commit, with its cause; retries it until it is done."""
