"""Calls services through stored connections: admits, retries and logs the calls."""
