"""Compares the embedded engine with its floor (hand-written prepared statements behind a bare ASGI application)."""
