"""The embedded engine beside its floor (hand-written prepared statements behind a bare ASGI application)."""
