"""Wraps the API in ASGI layers, one per file."""
