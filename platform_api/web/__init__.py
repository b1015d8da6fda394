"""Web pages and probes: signing in, GraphiQL per app, the API documentation, `/health`."""
