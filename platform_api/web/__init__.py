"""Serves the web console, GraphiQL per app, and the API documentation."""
