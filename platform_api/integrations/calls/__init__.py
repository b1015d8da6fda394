"""Calls services through stored connections: admitted, retried, logged."""
