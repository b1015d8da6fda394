"""ASGI layers around the API, one per file."""
