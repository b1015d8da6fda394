"""How strangers reach the engine: HTTP, websockets, REST endpoints."""
