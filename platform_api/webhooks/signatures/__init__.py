"""Verifies that a call of a webhook comes from the service that it claims to be."""
