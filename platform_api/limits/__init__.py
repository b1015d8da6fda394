"""Enforces rate limits that all processes of the platform share."""
