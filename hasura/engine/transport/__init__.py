"""Serves the engine to clients: HTTP, websockets, REST endpoints."""
